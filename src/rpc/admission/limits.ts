/** What a server takes on at the same time, and what one caller may ask of it. */
export interface AdmissionLimits {
  /** Calls, other than streams, that were let in and have not ended. */
  readonly calls: number;
  /** Of these, calls that change something, waiting ones included: more are refused before their body is read. */
  readonly mutations: number;
  /** The same while some have waited for one of the `running` places for longer than `lineMs`, in milliseconds. */
  readonly standingMutations: number;
  readonly lineMs: number;
  /** Mutations that are worked on at once; the others wait their turn. */
  readonly running: number;
  /** Mutations that begin in one turn of the event loop: whatever else comes, a freeze above all, waits for a turn. */
  readonly startedPerTurn: number;
  /** The same as `running` for mutations of one world, so that one busy world leaves room for the others and for its freeze. */
  readonly runningPerWorld: number;
  readonly waitingPerWorld: number;
  /** A server whose event loop lags behind by more than this, in milliseconds, takes no new work… */
  readonly lagMs: number;
  /** …as long as this many calls are there to explain it. */
  readonly lagCalls: number;
  /** Calls per second of one principal, as many at once; undefined = no limit. */
  readonly ratePerSecond: number | undefined;
  /** Open subscriptions of one principal; undefined = no limit. */
  readonly subscriptions: number | undefined;
  /** Open streams that need no credentials (health, reflection), of all callers together. */
  readonly publicStreams: number;
}

export const DEFAULT_ADMISSION: AdmissionLimits = {
  calls: 2048,
  mutations: 320,
  standingMutations: 64,
  lineMs: 250,
  running: 32,
  startedPerTurn: 8,
  runningPerWorld: 8,
  waitingPerWorld: 192,
  lagMs: 200,
  lagCalls: 32,
  ratePerSecond: undefined,
  subscriptions: undefined,
  publicStreams: 1000,
};
