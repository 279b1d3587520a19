import { expect } from "chai";
import { pino } from "pino";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import { VERBS } from "../../../src/cli/worldctl/program.ts";
import type { Method } from "../../../src/cli/worldctl/verb.ts";
import { createParts, servedServices } from "../../../src/compose.ts";
import { methodStatus } from "../../../src/rpc/routes.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { worldctl } from "./support.ts";

const PLAN = ["--equity", "1000000", "--before", "alpha=0.5", "--after", "alpha=0.4", "--lot", "XLK=1"];
const POSITIONS = "world_id,strategy_id,symbol,qty,mark\nalpha,trend,XLK,1000,280.15\n";
const SERIES = { worldId: "alpha", strategyId: "trend", returns: { values: [0.01, -0.02, 0.03] } };
const FILES = {
  "positions.csv": POSITIONS,
  "series.json": JSON.stringify(SERIES),
  "returns.json": JSON.stringify({ series: [SERIES] }),
  "policy.yaml": "top_k: {k: 2, metric: alpha_performance.sharpe}\n",
};

/** One command line per verb, and how it ends on a server that has nothing but what the lines above it wrote. */
const LINES: readonly (readonly [usage: string, args: readonly string[], exit: number, shows: string])[] = [
  ["capabilities", [], 0, '"rebalanceSchemaVersion": 2'],
  ["plan [file]", ["positions.csv", ...PLAN], 0, '"deltaQty": -200'],
  ["apply [file]", ["positions.csv", ...PLAN, "--run-id", "r-1"], 0, '"runId": "r-1"'],
  ["execute [file]", ["positions.csv", ...PLAN], 0, '"quantity": 200'],
  ["runs get <run-id>", ["r-1"], 0, '"runId": "r-1"'],
  ["runs list", ["--page-size", "1"], 0, '"runs"'],
  [
    "allocations upsert [file]",
    ["positions.csv", "--equity", "1e6", "--share", "alpha=0.4", "--run-id", "u-1"],
    0,
    '"u-1"',
  ],
  ["allocations get [worlds...]", ["alpha"], 0, '"allocation": 0.4'],
  ["allocations run <run-id>", ["u-1"], 0, '"runId": "u-1"'],
  ["worlds create <world>", ["alpha", "--name", "Alpha", "--labels", "a,b"], 0, '"name": "Alpha"'],
  ["worlds update <world>", ["alpha", "--owner", "desk", "--circuit-breaker"], 0, '"circuitBreaker": true'],
  ["worlds update <world>", ["alpha", "--no-circuit-breaker"], 0, '"owner": "desk"'],
  ["worlds get <world>", ["alpha"], 0, '"worldId": "alpha"'],
  ["worlds list", [], 0, '"worlds"'],
  [
    "activate <world> <strategy>",
    ["alpha", "trend", "--side", "long", "--weight", "0.5"],
    0,
    '"weight": 0.5',
  ],
  ["activations <world>", ["alpha"], 0, '"strategyId": "trend"'],
  ["freeze <world>", ["alpha", "--reason", "test"], 0, '"changed": true'],
  ["unfreeze <world>", ["alpha"], 0, '"changed": true'],
  ["apply-world <world>", ["alpha", "--run-id", "s-1", "--activate", "carry", "--wait"], 0, '"runId": "s-1"'],
  ["applies get <world> [run-id]", ["alpha", "s-1"], 0, '"COMPLETED"'],
  ["applies resume <world> <run-id>", ["alpha", "no-such-apply", "--reason", "test"], 3, "NOT_FOUND"],
  ["applies abort <world> <run-id>", ["alpha", "no-such-apply", "--reason", "test"], 3, "NOT_FOUND"],
  ["executions list", [], 0, "{"],
  ["executions get <run-id>", ["no-such-run"], 3, "RUN_NOT_FOUND"],
  ["executions paper <run-id>", ["no-such-run"], 3, "RUN_NOT_FOUND"],
  [
    "executions resolve <run-id> <order-id>",
    ["no-such-run", "o-1", "--as", "not-executed", "--reason", "test"],
    3,
    "RUN_NOT_FOUND",
  ],
  ["metrics spec", [], 0, '"alpha_performance.sharpe"'],
  ["metrics compute <file>", ["series.json", "--risk-free-rate", "0"], 0, '"alpha_performance.win_ratio"'],
  ["metrics record <file>", ["returns.json"], 0, '"points": 3'],
  ["metrics get", ["--world", "alpha", "--strategy", "trend"], 0, '"alpha_performance.sharpe"'],
  ["policies create <world> [file]", ["alpha", "--preset", "conservative"], 0, '"version": 1'],
  ["policies create <world> [file]", ["alpha", "policy.yaml"], 0, '"version": 2'],
  ["policies list <world>", ["alpha"], 0, '"policies"'],
  ["policies get <world> [version]", ["alpha", "1"], 0, '"version": 1'],
  ["policies default <world> <version>", ["alpha", "2"], 0, '"isDefault": true'],
  ["audit [world]", ["alpha", "--run-id", "u-1"], 0, '"entries"'],
  ["worlds delete <world>", ["alpha"], 0, '"DELETED"'],
];

/** `service/method` of everything that is served. */
async function servedMethods(): Promise<ReadonlySet<string>> {
  const settings = readSettings({ argv: ["--store=memory:"], env: {} });
  const opened = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 5_000 });
  try {
    const services = servedServices(settings, createParts(settings, opened, pino({ level: "silent" })));
    const served = methodStatus(services).filter(({ isServed }) => isServed);
    return new Set(served.map(({ service, method }) => `${service}/${method}`));
  } finally {
    await opened.close();
  }
}

const nameOf = ({ parent, name }: Method) => `${parent.typeName}/${name}`;

describe("the verbs of worldctl", () => {
  let server: TestServer;
  let served: ReadonlySet<string>;

  before(async () => {
    server = await startServer({ compat_rebalance_v2: true });
    served = await servedMethods();
  });
  after(() => server.stop());

  it("are all tried here", () => {
    expect(new Set(LINES.map(([usage]) => usage))).to.deep.equal(new Set(VERBS.map(({ usage }) => usage)));
  });

  for (const [usage, args, exit, shows] of LINES) {
    it(`work once their method is served: ${usage} ${args.join(" ")}`, async () => {
      const verb = VERBS.find((each) => each.usage === usage);
      const words = usage.split(" ").filter((word) => /^[a-z]/.test(word));
      const argv = ["--server", `127.0.0.1:${server.port}`, ...words, ...args];
      const { code, out, err } = await worldctl(argv, { files: FILES });
      const method = verb?.methods.v2 ?? verb?.methods.v1;
      if (method !== undefined && served.has(nameOf(method))) {
        expect(code, err).to.equal(exit);
        expect(exit === 0 ? out.replaceAll(/"[A-Z_]+_(?=COMPLETED|DELETED)/g, '"') : err).to.contain(shows);
      } else {
        expect(code).to.equal(1);
        expect(err).to.contain("UNIMPLEMENTED (UNIMPLEMENTED)");
        expect(err).to.contain("next: this server does not offer the method");
      }
    });
  }
});
