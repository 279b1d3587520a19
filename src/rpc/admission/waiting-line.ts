import type { AdmissionLimits } from "./limits.ts";

/** How long the line of mutations may get. */
export interface WaitingLine {
  /** The most mutations there may be, running ones included, while so many wait for their turn. */
  most(waiting: number): number;
}

type LineLimits = Pick<AdmissionLimits, "mutations" | "standingMutations" | "lineMs">;

/**
 * A crowd that comes at once may wait. Where there has been a line for a while, more comes than can be done: then a long
 * line only makes everybody in it wait, and what waits costs memory. Source: "controlled delay" as request queues use
 * it (B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
 *
 * @param now monotonic, in milliseconds.
 */
export function createWaitingLine(limits: LineLimits, now: () => number): WaitingLine {
  const standing = Math.min(limits.standingMutations, limits.mutations);
  let noLineAt = now();
  return {
    most(waiting) {
      const at = now();
      if (waiting === 0) noLineAt = at;
      return at - noLineAt > limits.lineMs ? standing : limits.mutations;
    },
  };
}
