/**
 * `npm run bench -- [--json] [--only name]`: measures everything, or what has `name` in its name. Prints a table, with
 * --json one object a line. Absolute figures belong to the machine; the ratios, taken within one run, can be compared.
 */
import { parseArgs } from "node:util";
import Table from "cli-table3";
import type { BenchValue } from "./support/measure.ts";

interface Bench {
  run(): Promise<readonly BenchValue[]>;
}

/** Loaded when they are run: some of them need a Redis, or warm up what others measure cold. */
const BENCHES: Record<string, () => Promise<Bench>> = {
  planner: () => import("./planner.ts"),
  rpc: () => import("./rpc.ts"),
  alpha: () => import("./alpha.ts"),
  "alpha-plan": () => import("./alpha-plan.ts"),
  feed: () => import("./feed.ts"),
  "sqlite-commit": () => import("./sqlite-commit.ts"),
  "redis-commit": () => import("./redis-commit.ts"),
  upsert: () => import("./upsert.ts"),
};

const { values: options } = parseArgs({ options: { json: { type: "boolean" }, only: { type: "string" } } });

async function main(): Promise<void> {
  const { only } = options;
  // A bench of that name is run alone; else all are, and only values of that name are shown.
  const wanted = Object.entries(BENCHES).filter(
    ([name]) => only === undefined || !(only in BENCHES) || only === name,
  );
  const shown = (value: BenchValue) => only === undefined || only in BENCHES || value.name.includes(only);
  const values: BenchValue[] = [];
  for (const [name, load] of wanted) {
    const found = (await measured(name, load)).filter(shown);
    values.push(...found);
    if (options.json === true) for (const value of found) process.stdout.write(`${JSON.stringify(value)}\n`);
  }
  if (values.length === 0 && only !== undefined) {
    process.exitCode = 1;
    process.stderr.write(`nothing is called ${only}; benches: ${Object.keys(BENCHES).join(", ")}\n`);
    return;
  }
  if (options.json !== true) process.stdout.write(`${table(values)}\n`);
}

/** One bench that cannot run (no Redis here) must not take the others with it. */
async function measured(name: string, load: () => Promise<Bench>): Promise<readonly BenchValue[]> {
  try {
    return await (await load()).run();
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(
      `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return [];
  }
}

function table(values: readonly BenchValue[]): string {
  const rows = new Table({
    head: ["name", "value", "unit", "min", "max", "ratio", "against", "target", "met"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "left", "right", "right", "right", "left", "left", "left"],
  });
  for (const { name, value, unit, min, max, ratio, against, target, met } of values) {
    const said = met === undefined ? "" : met ? "yes" : "NO";
    rows.push([
      name,
      figure(value),
      unit,
      figure(min),
      figure(max),
      figure(ratio),
      against ?? "",
      target ?? "",
      said,
    ]);
  }
  return rows.toString();
}

function figure(value: number | undefined): string {
  if (value === undefined) return "";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

await main();
