import type { ReasonName } from "../../client/index.ts";

const SAME_CALL = "send the same call again, with the same run id";

/** What to do about an error, by its reason. A reason that is forgotten here does not compile. */
const NEXT_STEPS: Readonly<Record<ReasonName, string>> = {
  INVALID_FIELD: "correct the fields named above",
  SCHEMA_VERSION_UNSUPPORTED: "leave schemaVersion out, or call with --api v2",
  OVERLAY_CONFIG_INVALID: "give each world an overlay instrument and its price",
  ALLOCATION_SUM_EXCEEDED: "lower the shares: those of the book may not sum above 1",
  CURSOR_INVALID: "take a snapshot: worldctl watch --start snapshot",
  WORLD_NOT_FOUND: "check the world's id: worldctl worlds list",
  RUN_NOT_FOUND: "check the run id; a run that is not there did not happen",
  ACTIVATION_NOT_FOUND: "check world, strategy and side: worldctl activations <world>",
  ALLOCATION_NOT_FOUND: "name worlds that have a share, or none for all: worldctl allocations get",
  POLICY_NOT_FOUND: "check the version: worldctl policies list <world>",
  RUN_ID_REUSED: "take a new run id; this one belongs to another request",
  WORLD_EXISTS: "take another id, or change the world: worldctl worlds update",
  SCHEMA_VERSION_TOO_LOW: "call with --api v2 and without schemaVersion",
  MODE_REQUIRES_V2: "use scaling, or have compat_rebalance_v2 switched on",
  WORLD_FROZEN: "wait for its unfreeze event (worldctl watch), or worldctl unfreeze <world>",
  WORLD_SUSPENDED: "ask its owner to set the world back to ACTIVE",
  CIRCUIT_BREAKER_OPEN: "ask its owner to close the circuit breaker",
  LIVE_NOT_ALLOWED: "set allow_live where live trading is meant",
  EXECUTOR_NOT_CONFIGURED: "leave --execute or --submit out, or have an executor configured",
  SHARED_ACCOUNT_DISABLED: "leave --shared-account out",
  SHARED_ACCOUNT_POLICY: "ask for less; the figures are above",
  OVERLAY_EXECUTION_AMBIGUOUS: "give each world an overlay instrument of its own",
  SHADOW_ORDERS_BLOCKED: "leave --submit out: a shadow world never sends orders",
  APPLY_FROZEN: "wait for the open apply, or worldctl applies resume | abort",
  ETAG_MISMATCH: "read again, decide again, and call with the new etag",
  LOCK_LOST: SAME_CALL,
  APPLY_IN_PROGRESS: "wait for the open apply: worldctl applies get <world>",
  LOCK_TIMEOUT: SAME_CALL,
  STORE_UNAVAILABLE: `${SAME_CALL}; it may have taken effect`,
  DRAINING: "this server is stopping: call another one, or wait for its return",
  EXECUTION_IN_DOUBT: "never send a new run: an operator resolves it (worldctl executions resolve)",
  EXECUTOR_UNAVAILABLE: "nothing was written or sent: send the same call again",
  CURSOR_COMPACTED: "take a snapshot: worldctl watch --start snapshot, without the old cursor",
  CURSOR_DIVERGED: "take a snapshot without the old cursor, and check what was done since",
  SUBSCRIBER_TOO_SLOW: "read faster, and resume from the cursor",
  LIMIT_EXCEEDED: "slow down, and try again",
  MESSAGE_TOO_LARGE: "send less in one call",
  UNAUTHENTICATED: "give a valid token: --token, or WORLDCTL_TOKEN",
  PERMISSION_DENIED: "ask the owner for the role",
  INTERNAL: "report the error id: the server's log has the cause",
  UNIMPLEMENTED: "this server does not offer the method; ask for its version: worldctl capabilities",
  DEADLINE_EXCEEDED: `${SAME_CALL}; it may have taken effect`,
  CANCELED: "the call was ended from outside",
};

const BY_NAME: ReadonlyMap<string, string> = new Map(Object.entries(NEXT_STEPS));

/** The next step, or undefined for a reason that a newer server gave. */
export function nextStep(reason: string): string | undefined {
  return BY_NAME.get(reason);
}
