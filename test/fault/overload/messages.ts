/** What the processes of an overload tell each other. */

export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  readonly ms: number;
  /** Calls per second, whatever the answers; undefined: `callers` call one after the other. */
  readonly perSecond?: number;
  readonly callers: number;
  readonly firstRun: number;
}

export interface LoadReport {
  readonly seconds: number;
  readonly offered: number;
  /** Within the time; the answers that came later are in `refusedInAll` alone. */
  readonly done: number;
  readonly refused: number;
  readonly refusedInAll: number;
  /** Refusals that did not say when to come again. */
  readonly withoutDelay: number;
  /** Streams that Node's HTTP/2 turned away before the service saw them: REFUSED_STREAM, which clients may repeat. */
  readonly turnedAway: number;
  /** Everything that was neither done nor refused, each kind once. */
  readonly others: readonly string[];
}

export interface FreezeOrder {
  readonly port: number;
  readonly ms: number;
  readonly firstRun: number;
}

export interface FreezeReport {
  /** How long each freeze took, in milliseconds, sorted. */
  readonly tookMs: readonly number[];
  /** 99 % of this process's own timers were no later, in milliseconds. */
  readonly lagP99Ms: number;
  readonly failures: readonly string[];
}
