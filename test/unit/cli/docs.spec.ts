/** The commands of the pages on `worldctl` are run as they stand, page by page, in their order. */
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { startServer, type TestServer } from "../../support/server.ts";

const ROOT = join(import.meta.dirname, "../../..");
const execute = promisify(execFile);
const PAGES = ["guides/strategy_workflow.md", "reference/cli.md"];

/** Shell blocks made of worldctl; the others install and start things, and are tried with the SDKs. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  return blocks.filter((block) => block.includes("npx worldctl"));
}

describe("the pages on worldctl", () => {
  let server: TestServer;
  let folder: string;

  beforeEach(async () => {
    server = await startServer({ compat_rebalance_v2: true, executor: "paper" });
    folder = mkdtempSync(join(tmpdir(), "worldctl-pages-"));
    symlinkSync(join(ROOT, "examples"), join(folder, "examples"));
    // What npx does in the folder of the repository, without npm's own start-up.
    const npx = join(folder, "npx");
    writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${ROOT}/src/cli/worldctl.ts" "$@"\n`);
    chmodSync(npx, 0o755);
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  for (const page of PAGES) {
    it(`have commands that all succeed: ${page}`, async () => {
      const env = {
        ...process.env,
        PATH: [folder, process.env.PATH ?? ""].join(delimiter),
        NODE_COMPILE_CACHE: join(folder, "compiled"),
        WORLDCTL_SERVER: `127.0.0.1:${server.port}`,
      };
      const script = commandsOf(`docs/en/${page}`).join("\n");
      const { stdout } = await execute("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env });
      expect(stdout).to.contain("{");
    }).timeout(60_000);

    it(`have the same commands in both languages: ${page}`, () => {
      expect(commandsOf(`docs/ko/${page}`)).to.deep.equal(commandsOf(`docs/en/${page}`));
    });
  }

  it("have a TypeScript program that runs", async () => {
    const [, program = ""] =
      /^```ts\n([\s\S]*?)^```$/m.exec(
        readFileSync(join(ROOT, "docs/en/guides/strategy_workflow.md"), "utf8"),
      ) ?? [];
    const here = program.replace("127.0.0.1:50051", `127.0.0.1:${server.port}`);
    // The package by its own name, from the sources; from what is built, test/sdk/package.spec.ts tries it.
    const flags = ["--conditions=worldservice-source", "--input-type=module-typescript"];
    const { stdout } = await execute(process.execPath, [...flags, "--eval", here], { cwd: ROOT });
    expect(stdout).to.contain("alpha_performance.sharpe");
  });
});
