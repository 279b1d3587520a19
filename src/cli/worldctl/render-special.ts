/** The messages that read better in a form of their own: plans and alpha metrics. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ALPHA_KEYS, parseAlphaMetrics } from "../../client/index.ts";
import type { Renderer } from "./render.ts";
import { figure, type TextTable } from "./table.ts";

export const SPECIAL: ReadonlyMap<string, Renderer> = new Map([
  ["RebalancePlan", planTables],
  ["AlphaMetrics", alphaTables],
  ["AlphaPerformance", performanceTables],
]);

const NUMBER = { isNumber: true };

function planTables(plan: JsonObject): readonly TextTable[] {
  const facts = [["schema version", plain(plan.schemaVersion)]];
  if (plan.downgraded === true) facts.push(["downgraded", "true: compat_rebalance_v2 is off"]);
  const worlds = entries(plan.perWorld);
  return [
    { title: "plan", columns: [{ name: "field" }, { name: "value" }], rows: facts },
    {
      title: "worlds",
      columns: [{ name: "world" }, { name: "scale", ...NUMBER }, { name: "deltas", ...NUMBER }],
      rows: worlds.map(([id, world]) => [id, plain(world.scaleWorld), String(list(world.deltas).length)]),
    },
    deltaTable(
      "deltas",
      worlds.flatMap(([id, world]) => list(world.deltas).map((delta) => ({ worldId: id, ...delta }))),
    ),
    deltaTable("netted over all worlds", list(plan.globalDeltas)),
    deltaTable("overlay", list(plan.overlayDeltas)),
    ...alphaTables(object(plan.alphaMetrics)),
    deltaTable("left out", list(plan.skipped)),
    {
      title: "warnings",
      columns: [{ name: "code" }, { name: "message" }],
      rows: list(plan.warnings).map(({ code, message }) => [bare(code), plain(message)]),
    },
  ];
}

const DELTA_COLUMNS = [
  ["reason", "reason"],
  ["world", "worldId"],
  ["strategy", "strategyId"],
  ["symbol", "symbol"],
  ["venue", "venue"],
  ["change", "deltaQty"],
  ["mark", "mark"],
  ["price", "price"],
  ["notional", "notional"],
  ["lost to the lot", "residualQty"],
] as const;

/** Only the columns that some row has. */
function deltaTable(title: string, deltas: readonly JsonObject[]): TextTable {
  const used = DELTA_COLUMNS.filter(([, key]) => deltas.some((delta) => (delta[key] ?? "") !== ""));
  return {
    title,
    columns: used.map(([name, key]) => ({ name, isNumber: deltas.some((d) => typeof d[key] === "number") })),
    rows: deltas.map((delta) =>
      used.map(([, key]) => (key === "reason" ? bare(delta.reason) : plain(delta[key]))),
    ),
  };
}

/** One row per world and per strategy in a world; a figure that nobody knows is a dash. */
function alphaTables(metrics: JsonObject): readonly TextTable[] {
  const view = parseAlphaMetrics(metrics);
  const known = [
    ...[...view.perWorld].map(([world, figures]) => ({ world, strategy: "", figures })),
    ...[...view.perStrategy].flatMap(([strategy, worlds]) =>
      [...worlds].map(([world, figures]) => ({ world, strategy, figures })),
    ),
  ];
  const missing = new Map(
    view.missing.map((row) => [JSON.stringify([row.worldId, row.strategyId]), row.metrics] as const),
  );
  const rows = known.map(({ world, strategy, figures }) => {
    const gaps = missing.get(JSON.stringify([world, strategy]));
    const isGap = (key: string) => gaps !== undefined && (gaps.length === 0 || gaps.includes(key));
    return [world, strategy, ...[...figures].map(([key, value]) => (isGap(key) ? "-" : figure(value)))];
  });
  const names = ALPHA_KEYS.map((key) => ({ name: key.replace(/^.*\./, ""), ...NUMBER }));
  return [{ title: "alpha metrics", columns: [{ name: "world" }, { name: "strategy" }, ...names], rows }];
}

function performanceTables({ metrics }: JsonObject): readonly TextTable[] {
  const rows = Object.entries(object(metrics)).map(([key, value]) => [key, plain(value)]);
  return [{ title: "alpha performance", columns: [{ name: "metric" }, { name: "value", ...NUMBER }], rows }];
}

function object(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function entries(value: JsonValue | undefined): [string, JsonObject][] {
  return Object.entries(object(value)).map(([key, each]) => [key, object(each)]);
}

function list(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function plain(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "number" ? figure(value) : String(value);
}

/** `WARNING_CODE_EQUITY_ZERO` as `EQUITY_ZERO`. */
function bare(value: JsonValue | undefined): string {
  return plain(value).replace(/^(WARNING_CODE|SKIP_REASON)_/, "");
}
