/** Series in proto JSON that the contract snapshots of alpha figures are made of, for the worlds of `requests.ts`. */
import type { JsonObject } from "@bufbuild/protobuf";

const DAYS = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"];

export function returnsOf(worldId: string, strategyId: string, values: number[]): JsonObject {
  return { worldId, strategyId, returns: { values }, times: DAYS.slice(0, values.length) };
}

/** World alpha and both of its strategies. */
export const ALPHA_KNOWN: JsonObject[] = [
  returnsOf("alpha", "", [0.01, -0.005, 0.02, -0.01]),
  returnsOf("alpha", "trend", [0.02, -0.01, 0.03, -0.02]),
  { worldId: "alpha", strategyId: "carry", equity: { values: [100, 101, 100.5, 102] }, times: DAYS },
];

/** World beta has no series of its own: it is put together from its strategies. */
export const BETA_KNOWN: JsonObject[] = [
  returnsOf("beta", "trend", [0.01, 0.02, -0.01, 0.005]),
  {
    worldId: "beta",
    strategyId: "value",
    pnl: { values: [50, -20, 10, 5], baseEquity: 1000 },
    times: DAYS,
  },
];
