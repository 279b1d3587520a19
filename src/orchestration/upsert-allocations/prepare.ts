import { invalidFields } from "../../domain/errors.ts";
import { validateRebalance } from "../../domain/rebalance/index.ts";
import { assertModeSpoken, type Gates, negotiate } from "../../domain/rebalance/negotiation.ts";
import type { RebalanceInput } from "../../domain/rebalance/types.ts";
import { worldsSeen } from "../../domain/rebalance/warnings.ts";
import { compareUtf8 } from "../../domain/text.ts";
import { seriesOfPlan } from "../alpha-metrics/plan-figures.ts";
import { requestHash } from "../shared/hashing.ts";
import type { AllocationCall, AllocationExecutionPlan } from "./types.ts";

/**
 * Everything that can be decided without the store.
 *
 * @throws DomainError SCHEMA_VERSION_UNSUPPORTED, SCHEMA_VERSION_TOO_LOW, MODE_REQUIRES_V2, INVALID_FIELD,
 *   OVERLAY_CONFIG_INVALID.
 */
export function prepare(gates: Gates, call: AllocationCall): AllocationExecutionPlan {
  const negotiated = negotiate(call.rules, call.requestedVersion, gates, "schema_version");
  assertModeSpoken(call.mode, negotiated);
  if (call.worldAllocations.size === 0) {
    throw invalidFields([{ field: "world_allocations", description: "must name at least one world" }]);
  }
  validateRebalance(inputOf(call), call.mode, call.rules, "", call.positionSource, "world_allocations");
  const series = seriesOfPlan(negotiated, call.alphaSeries, "");
  const etag = hashOf(call);
  const worldIds = sortedSet(call.worldAllocations.keys());
  const plannedIds = sortedSet([...worldIds, ...worldsSeen(call.positions).named]);
  return {
    call,
    negotiated,
    worldIds,
    plannedIds,
    lockedIds: sortedSet([...plannedIds, ...call.etagByWorld.keys()]),
    etag,
    fingerprint: `${call.rules}.UpsertAllocations:${etag}`,
    series,
    replayed: false,
  };
}

function sortedSet(ids: Iterable<string>): string[] {
  return [...new Set(ids)].sort(compareUtf8);
}

/** The planner's input as far as the request alone gives it; the context fills in the shares before. */
export function inputOf(call: AllocationCall): RebalanceInput {
  return {
    totalEquity: call.totalEquity,
    worldBefore: new Map(),
    worldAfter: call.worldAllocations,
    strategyBefore: call.strategyBefore,
    strategyAfter: call.strategyAfter,
    positions: call.positions,
    minTradeNotional: call.minTradeNotional,
    lotBySymbol: call.lotBySymbol,
  };
}

function hashOf(call: AllocationCall): string {
  const { positions, alphaSeries, etagByWorld: _aside, runId: _name, rules: _package, ...parts } = call;
  return requestHash(parts, positions, alphaSeries);
}
