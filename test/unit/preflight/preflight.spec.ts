/** The preflight bites: each fixture has one of the faults that it is there for. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { shardsOf } from "../../../scripts/preflight/shards.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FIXTURES = "test/unit/preflight/fixtures";

interface Ran {
  readonly code: number | null;
  readonly text: string;
}

/** A preflight over one fixture, apart from the one that may run this test. */
function preflight(fixture: string): Promise<Ran> {
  const limits = ["--test-ms", "4000", "--idle-ms", "30000"];
  const { PREFLIGHT_WARNINGS: _outer, NODE_OPTIONS: _flags, ...env } = process.env;
  const args = ["scripts/preflight.ts", ...limits, `${FIXTURES}/${fixture}.ts`];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: ROOT, env }, (_error, out, err) =>
      resolve({ code: child.exitCode, text: `${out}\n${err}` }),
    );
  });
}

/** What must be said about each. */
const BITES: ReadonlyMap<string, readonly RegExp[]> = new Map([
  ["busy", [/preflight: never yields took more than 4000 ms/, /it is busy/, /0 passed, 1 failed/]],
  [
    "waiting",
    [
      /preflight: waits for what never comes.* took more than 4000 ms/,
      /open handles: .*timer/,
      /0 passed, 1 failed/,
    ],
  ],
  ["leaking", [/the process lives on: .*TCPServerWrap/, /1 passed, 1 failed/]],
  ["listeners", [/MaxListenersExceededWarning/, /1 passed, [12] failed/]],
  ["deprecated", [/use something newer/, /1 passed, [1-3] failed/]],
  ["warning-child", [/preflight: a warning in .*\n.*from a child/, /1 passed, 1 failed/]],
  ["crashing", [/ended with 0, before the last test/, /0 passed, 1 failed/]],
]);

describe("the preflight", () => {
  const runs = new Map<string, Promise<Ran>>();

  before(() => {
    for (const fixture of ["sound", ...BITES.keys()]) runs.set(fixture, preflight(fixture));
  });
  after(() => Promise.all(runs.values()));

  it("lets a sound test pass", async () => {
    const { code, text } = (await runs.get("sound")) ?? expect.fail("not run");
    expect(text).to.match(/\n1 passed, 0 failed\n/);
    expect(code, text).to.equal(0);
  }).timeout(60_000);

  for (const [fixture, said] of BITES) {
    it(`fails, and says why: ${fixture}`, async () => {
      const { code, text } = (await runs.get(fixture)) ?? expect.fail("not run");
      expect(code, text).to.equal(1);
      for (const pattern of said) expect(text).to.match(pattern);
    }).timeout(60_000);
  }

  it("has tried every fixture", () => {
    const names = readdirSync(join(ROOT, FIXTURES)).map((file) => file.replace(/\.ts$/, ""));
    expect(names.toSorted()).to.deep.equal([...runs.keys()].toSorted());
  });

  it("deals every file to one process, the long suites to different ones", () => {
    const files = [
      "test/fault/a.spec.ts",
      "test/sdk/b.spec.ts",
      "test/unit/c.spec.ts",
      "test/unit/d.spec.ts",
    ];
    const shards = shardsOf(files, 2);
    expect(shards.flat().toSorted()).to.deep.equal(files);
    expect(shards.map((shard) => shard.filter((file) => !file.startsWith("test/unit")).length)).to.deep.equal(
      [1, 1],
    );
    expect(shardsOf(files, 9)).to.have.length(files.length);
  });
});
