import { createHash, type Hash, hash } from "node:crypto";
import type { SeriesInput } from "../../domain/alpha/parse-series.ts";
import { canonicalJson } from "../../domain/canonical-json.ts";
import type { PositionColumns } from "../../domain/rebalance/types.ts";
import { canonicalWorldState, type WorldState } from "../../domain/state/world-state.ts";

/** All hashes that callers see are SHA-256 with this prefix. */
function prefixed(hex: string): string {
  return `sha256:${hex}`;
}

/** Hash of a text. */
export function sha256(text: string): string {
  return prefixed(hash("sha256", text));
}

/**
 * Hash of a request: canonical JSON of everything but positions and series, then the positions column by column, then
 * the series one by one. Rows and points are many, so they are hashed as the numbers they are (little-endian), not as
 * text.
 */
export function requestHash(
  parts: object,
  positions: PositionColumns,
  series: readonly SeriesInput[],
): string {
  const { worlds, strategies, symbols, venues, world, strategy, symbol, venue, qty, mark } = positions;
  const sum = createHash("sha256").update(canonicalJson({ parts, worlds, strategies, symbols, venues }));
  for (const column of [world, strategy, symbol, venue, qty, mark]) {
    sum.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  for (const one of series) addSeries(sum, one);
  return prefixed(sum.digest("hex"));
}

function addSeries(sum: Hash, { worldId, strategyId, kind, values, baseEquity, timesMs }: SeriesInput): void {
  sum.update(canonicalJson([worldId, strategyId, kind ?? "", values.length, timesMs.length]));
  for (const numbers of [values, timesMs, [baseEquity ?? 0]]) sum.update(Float64Array.from(numbers));
}

/** State hash of a world. */
export function stateHash(state: WorldState): string {
  return sha256(canonicalWorldState(state));
}
