import { DomainError } from "../../domain/errors.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import { switchesOf } from "../../domain/worlds/switches.ts";
import type { Doc } from "../../ports/store.ts";
import { stored } from "../shared/keys.ts";
import { assertWorldsOpen, gateKeys } from "../shared/world-gates.ts";

/** What decides whether the worlds of an execution may trade. */
export interface TradingWorlds {
  readonly worldIds: readonly string[];
  /** The caller means real orders. */
  readonly allowLive: boolean;
}

/**
 * Orders are sent for worlds that accept changes, are no shadow, and trade live only where caller and world both say
 * so.
 *
 * @param docs the answer to `gateKeys`.
 * @throws DomainError those of `assertWorldsOpen`, SHADOW_ORDERS_BLOCKED, LIVE_NOT_ALLOWED.
 */
export function assertMayTrade(worlds: TradingWorlds, docs: readonly (Doc | undefined)[]): void {
  const { worldIds, allowLive } = worlds;
  assertWorldsOpen(worldIds, docs);
  const perWorld = gateKeys(["one"]).length;
  worldIds.forEach((worldId, i) => {
    assertDomain(worldId, stored<WorldFacts>(docs[i * perWorld]), allowLive);
  });
}

/** The refusal that `assertMayTrade` would end with. */
export function tradingRefusal(
  worlds: TradingWorlds,
  docs: readonly (Doc | undefined)[],
): DomainError | undefined {
  try {
    assertMayTrade(worlds, docs);
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

function assertDomain(worldId: string, world: WorldFacts | undefined, allowLive: boolean): void {
  const { executionDomain, allowLive: worldAllows } = switchesOf(world);
  const metadata = { world_id: worldId };
  if (executionDomain === "SHADOW") {
    const text = `world ${worldId} is a shadow: its orders are never sent`;
    throw new DomainError("SHADOW_ORDERS_BLOCKED", text, { metadata });
  }
  if (executionDomain !== "LIVE") return;
  if (allowLive && worldAllows) return;
  const text = `world ${worldId} trades live: the call and the world must both allow it`;
  throw new DomainError("LIVE_NOT_ALLOWED", text, { metadata });
}
