import { DomainError } from "../errors.ts";
import type { WorldFacts } from "../events/types.ts";

/** What decides whether something may happen in a world. */
export type WorldSwitches = Pick<
  WorldFacts,
  "state" | "allowLive" | "circuitBreaker" | "executionDomain" | "ackRoster"
>;

/** A world that was never registered. */
export const UNREGISTERED: WorldSwitches = {
  state: "ACTIVE",
  allowLive: false,
  circuitBreaker: false,
  executionDomain: "BACKTEST",
  ackRoster: [],
};

export function switchesOf(world: WorldFacts | undefined): WorldSwitches {
  return world ?? UNREGISTERED;
}

/** Why a gate is shut: an error to throw, or a sentence to record. `undefined` = it is open. */
export type Gate = (worldId: string, switches: WorldSwitches) => DomainError | undefined;

/** WORLD_NOT_FOUND once the world was deleted. */
export const existsGate: Gate = (worldId, { state }) =>
  state === "DELETED" ? worldNotFound(worldId, "was deleted") : undefined;

/** WORLD_NOT_FOUND, WORLD_SUSPENDED. */
export const activeGate: Gate = (worldId, switches) => {
  if (switches.state !== "SUSPENDED") return existsGate(worldId, switches);
  return new DomainError("WORLD_SUSPENDED", `world ${worldId} is suspended`, {
    metadata: { world_id: worldId },
  });
};

/** CIRCUIT_BREAKER_OPEN. */
export const breakerGate: Gate = (worldId, { circuitBreaker }) =>
  circuitBreaker
    ? new DomainError("CIRCUIT_BREAKER_OPEN", `the circuit breaker of world ${worldId} is open`, {
        metadata: { world_id: worldId },
      })
    : undefined;

/** LIVE_NOT_ALLOWED. For what would trade real money, and only for that. */
export const liveGate: Gate = (worldId, { allowLive }) =>
  allowLive
    ? undefined
    : new DomainError("LIVE_NOT_ALLOWED", `world ${worldId} does not allow live trading`, {
        metadata: { world_id: worldId },
      });

/** WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN: nothing may be changed or activated behind it. */
export const openGate: Gate = (worldId, switches) =>
  activeGate(worldId, switches) ?? breakerGate(worldId, switches);

/** @throws DomainError what the gate says. */
export function pass(gate: Gate, worldId: string, switches: WorldSwitches): void {
  const refusal = gate(worldId, switches);
  if (refusal !== undefined) throw refusal;
}

export function worldNotFound(worldId: string, why: string): DomainError {
  return new DomainError("WORLD_NOT_FOUND", `world ${worldId} ${why}`, { metadata: { world_id: worldId } });
}
