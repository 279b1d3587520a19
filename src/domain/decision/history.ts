/** When a history entry was written, and which time it speaks of. */
export interface HistoryTimes {
  /** The time the data describes, milliseconds since 1970; absent = the time it was recorded. */
  readonly asOfMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly recordedAtMs: number;
}

function effectiveTime(entry: HistoryTimes): number {
  return entry.asOfMs ?? entry.recordedAtMs;
}

/**
 * The history entry that a decision stands on.
 *
 * @param entries in the order in which they were recorded.
 * @param asOfMs milliseconds since 1970; `undefined` = no bound.
 * @returns the newest entry that speaks of that time or an earlier one (of equal ones the last recorded), whenever it
 * was recorded: old data that comes late does not push newer data aside. `undefined` where there is none.
 */
export function pickHistory<E extends HistoryTimes>(
  entries: readonly E[],
  asOfMs: number = Number.POSITIVE_INFINITY,
): E | undefined {
  let best: E | undefined;
  for (const entry of entries) {
    const time = effectiveTime(entry);
    if (time <= asOfMs && (best === undefined || time >= effectiveTime(best))) best = entry;
  }
  return best;
}
