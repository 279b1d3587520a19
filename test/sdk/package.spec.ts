import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { build } from "esbuild";
import { redisUrl } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { installPacked, type Outsider } from "./outsider.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = join(import.meta.dirname, "browser/page.ts");

/** What a program of somebody else writes; `SERVER` becomes the address. */
const PROGRAM = `
import { follow, negotiate, StartPosition } from "worldservice/client";
import { connectNode } from "worldservice/client/node";
import { RebalanceService } from "worldservice/gen/v2/rebalance_service_pb";

const { clients, close } = connectNode("SERVER");
const spoken = await negotiate(clients);
if (spoken.version !== 2) throw new Error(spoken.fallback);
const { etag } = await spoken.allocations.upsertAllocations({
  runId: "outsider", totalEquity: 1, worldAllocations: { alpha: 0.4 },
});
const worlds = [];
for await (const message of follow(spoken.controlBus, { start: StartPosition.EARLIEST })) {
  if (message.case !== "batch") continue;
  worlds.push(...message.value.events.map((event) => event.worldId));
  break;
}
console.log(JSON.stringify({ service: RebalanceService.typeName, hasEtag: etag !== "", worlds }));
close();
`;

describe("the package, packed and installed somewhere else", () => {
  let outsider: Outsider;
  let server: TestServer;

  before(async function () {
    this.timeout(120_000);
    outsider = await installPacked(mkdtempSync(join(tmpdir(), "worldservice-outsider-")));
    server = await startServer({ compat_rebalance_v2: true });
  });
  after(async () => {
    await server.stop();
    rmSync(outsider.folder, { recursive: true });
  });

  const address = () => `127.0.0.1:${server.port}`;
  const program = (name: string, text: string) => {
    writeFileSync(join(outsider.folder, name), text.replace("SERVER", address()));
    return name;
  };

  it("brings both binaries", async () => {
    expect(await outsider.run("npx", "worldctl", "--help")).to.contain("Usage: worldctl");
    expect(await outsider.run("npx", "worldservice", "config", "--json")).to.contain('"compat_rebalance_v2"');
    const told = await outsider.run("worldctl", "--server", address(), "capabilities", "--json");
    expect(JSON.parse(told)).to.include({ rebalanceSchemaVersion: 2 });
  });

  it("serves a client in a plain JavaScript file", async () => {
    const printed = await outsider.run(process.execPath, program("program.mjs", PROGRAM));
    expect(JSON.parse(printed)).to.deep.equal({
      service: "worldservice.v2.RebalanceService",
      hasEtag: true,
      worlds: ["alpha"],
    });
  });

  it("has types for every way of resolving modules, without those of Node.js", async () => {
    const file = program("program.ts", PROGRAM);
    writeFileSync(
      join(outsider.folder, "wrong.ts"),
      'import { negotiate } from "worldservice/client";\nnegotiate(1);\n',
    );
    const tsc = (source: string, ...how: readonly string[]) => {
      const options = ["--noEmit", "--strict", "--target", "es2024", "--lib", "es2024,esnext.disposable,dom"];
      return outsider.run(join(ROOT, "node_modules/.bin/tsc"), source, ...options, "--types", "", ...how);
    };
    await tsc(file, "--module", "nodenext");
    await tsc(file, "--module", "esnext", "--moduleResolution", "bundler");
    const refused = await tsc("wrong.ts", "--module", "nodenext").catch(
      (error: { stdout: string }) => error.stdout,
    );
    expect(refused).to.contain("wrong.ts(2,11): error TS2345");
  });

  it("becomes a bundle for browsers that plans, follows and reads metrics", async () => {
    const { outputFiles } = await build({
      stdin: { contents: readFileSync(PAGE, "utf8"), resolveDir: outsider.folder, loader: "ts" },
      bundle: true,
      write: false,
      platform: "browser",
      format: "esm",
      define: { "location.origin": JSON.stringify(server.baseUrl) },
      logLevel: "silent",
    });
    const bundle = `${outputFiles[0]?.text}\nconsole.log(JSON.stringify(await globalThis.found));`;
    const found: unknown[] = JSON.parse(await outsider.run(process.execPath, program("bundle.mjs", bundle)));
    const same = { version: 2, change: -200, winRatio: 2 / 3, reason: "INVALID_FIELD" };
    expect(found).to.have.length(2);
    for (const each of found) expect(each).to.include(same);
  });

  it("serves a book in Redis, whose scripts come along", async () => {
    const scripts = "src/adapters/redis/scripts";
    const installed = readdirSync(join(outsider.folder, "node_modules/worldservice/dist", scripts), {
      recursive: true,
    });
    expect(installed.toSorted()).to.deep.equal(
      readdirSync(join(ROOT, scripts), { recursive: true }).toSorted(),
    );
    const flags = [
      "--port=0",
      "--admin-port=0",
      "--log-format=json",
      `--store=${redisUrl()}`,
      `--book=${randomUUID()}`,
    ];
    const binary = join(outsider.folder, "node_modules/.bin/worldservice");
    const child = spawn(process.execPath, [binary, "serve", ...flags], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    try {
      let ready = "";
      for await (const line of createInterface(child.stdout)) {
        const { msg, address: at } = JSON.parse(line) as { msg: string; address?: string };
        if (msg !== "ready") continue;
        ready = at ?? "";
        break;
      }
      child.stdout.resume();
      const upsert = ["upsert", "--run-id", "first", "--equity", "1", "--share", "alpha=0.5", "--json"];
      const answer = await outsider.run("worldctl", "--server", ready, "allocations", ...upsert);
      expect(JSON.parse(answer).runId).to.equal("first");
    } finally {
      child.kill("SIGTERM");
      expect(await exited).to.deep.equal([0, null]);
    }
  }).timeout(60_000);
});
