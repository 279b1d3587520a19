import type { AckTimeout, WorldFacts } from "../events/types.ts";
import type { WorldState } from "../state/world-state.ts";
import type { WorldSwitches } from "../worlds/switches.ts";
import type { EntryChange, WorldActivations } from "./activations.ts";
import type { ApplyRecord } from "./apply-record.ts";

/** Who decided what, as it is stored. */
export interface Decisions {
  readonly strategies: readonly string[];
  readonly etag: string;
  readonly runId: string;
  readonly updatedAtMs: number;
}

/** Everything that decides what may happen to a world next, read in one step. */
export interface WorldView {
  readonly worldId: string;
  readonly world: WorldFacts | undefined;
  readonly switches: WorldSwitches;
  /** What the state hash covers. */
  readonly state: WorldState;
  readonly activations: WorldActivations;
  readonly decisions: Decisions | undefined;
  /** The newest apply, open or ended. */
  readonly apply: ApplyRecord | undefined;
  /** Subscriber → newest sequence acknowledged. */
  readonly acks: ReadonlyMap<string, number>;
}

/** What one commit changes in a world. What is not named stays as it is. */
export interface WorldChange {
  readonly activations?: WorldActivations;
  /** One event each, before the others. */
  readonly changes?: readonly EntryChange[];
  /** Sets the decided strategies. */
  readonly decisions?: readonly string[];
  /** The apply after the change. */
  readonly apply?: ApplyRecord;
  /** Told before the stage that it leads to. */
  readonly ackTimeout?: AckTimeout;
}
