import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { startServer, type TestServer } from "../support/server.ts";

const ENTRY = join(import.meta.dirname, "browser/page.ts");
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const isRoot = process.getuid?.() === 0;

/** A browser of this machine; as root, one that apt brings. */
function findBrowser(): string | undefined {
  const found = () => PLACES.find((path) => spawnSync(path, ["--version"]).status === 0);
  const known = found();
  if (known !== undefined || !isRoot) return known;
  const quiet = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  spawnSync("apt-get", ["update", "-qq"], quiet);
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], quiet);
  return found();
}

/** The client and the page as one script, as a web application would have it. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    platform: "browser",
    conditions: ["worldservice-source"],
    format: "iife",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

/** The page, and everything else from the service: one origin, so that no CORS is needed. */
async function startProxy(script: string, port: number): Promise<Server> {
  const proxy = createServer((incoming, outgoing) => {
    if (incoming.method === "GET") {
      const isScript = incoming.url === "/page.js";
      outgoing.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      outgoing.end(
        isScript ? script : '<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>',
      );
      return;
    }
    const { method, url, headers } = incoming;
    const onward = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return proxy;
}

describe("the client in a browser", () => {
  it("is bundled without anything of Node.js", async () => {
    // With platform "browser", esbuild refuses node: imports; this is the refusal itself.
    const refused = await build({
      stdin: { contents: 'import "./node.ts"', resolveDir: join(import.meta.dirname, "../../src/client") },
      bundle: true,
      write: false,
      platform: "browser",
      logLevel: "silent",
    }).then(
      () => false,
      () => true,
    );
    expect(refused).to.equal(true);
    expect(await bundle()).to.contain("GATE_OFF");
  });

  describe("of this machine", () => {
    let server: TestServer;
    let proxy: Server;

    before(async () => {
      server = await startServer({ compat_rebalance_v2: true });
      proxy = await startProxy(await bundle(), server.port);
    });
    after(async () => {
      proxy.closeAllConnections();
      proxy.close();
      await server.stop();
    });

    it("plans, reads metrics and refusals, and follows the feed over gRPC-Web and Connect", async function () {
      const executablePath = findBrowser();
      if (executablePath === undefined) {
        console.error("    no browser is tried: chromium is not installed");
        return this.skip();
      }
      const browser = await chromium.launch({ executablePath, chromiumSandbox: !isRoot });
      try {
        const page = await browser.newPage();
        const complaints: string[] = [];
        page.on("pageerror", (error) => complaints.push(String(error)));
        await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`);
        const found = await page.evaluate("globalThis.found");
        const expected = { version: 2, change: -200, winRatio: 2 / 3, reason: "INVALID_FIELD" };
        expect(found).to.deep.equal([
          { ...expected, events: ["alpha #1"] },
          { ...expected, events: ["alpha #2"] },
        ]);
        expect(complaints).to.deep.equal([]);
      } finally {
        await browser.close();
      }
    }).timeout(120_000);
  });
});
