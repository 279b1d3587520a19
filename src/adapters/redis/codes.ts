/** What the scripts answer: 1 for done, or one of these. Turned into outcomes and errors by this adapter alone. */
export const CODE = {
  DONE: 1,
  REPLAYED: -1,
  RUN_REUSED: -2,
  FENCED: -3,
  STALE: -4,
  STORE_CHANGED: -5,
  SCHEMA_NEWER: -6,
  COMPACTED: -7,
  BUSY: -8,
  NOT_OWNER: -9,
  OVER_BUDGET: -10,
} as const;
