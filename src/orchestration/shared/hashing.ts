import { createHash, hash } from "node:crypto";
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
 * Hash of a request: canonical JSON of everything but the positions, then the positions column by column. Rows are
 * many, so they are hashed as the numbers they are (little-endian), not as text.
 */
export function requestHash(parts: object, positions: PositionColumns): string {
  const { worlds, strategies, symbols, venues, world, strategy, symbol, venue, qty, mark } = positions;
  const sum = createHash("sha256").update(canonicalJson({ parts, worlds, strategies, symbols, venues }));
  for (const column of [world, strategy, symbol, venue, qty, mark]) {
    sum.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  return prefixed(sum.digest("hex"));
}

/** State hash of a world. */
export function stateHash(state: WorldState): string {
  return sha256(canonicalWorldState(state));
}
