import type { ApplyStage } from "../../domain/state/world-state.ts";
import type { WriteDeps } from "../shared/deps.ts";

/** One step of an apply: its stage before the commit that reaches it, or after. */
export interface ApplyMoment {
  readonly worldId: string;
  readonly runId: string;
  readonly stage: ApplyStage;
  readonly moment: "before" | "after";
}

/** Told of every step of an apply, and waited for: tracing and the fault suites stand here. */
export type ApplyObserver = (moment: ApplyMoment) => void | Promise<void>;

/** What the use cases of activation and worlds need. All of it is injected. */
export interface WorldDeps extends Pick<WriteDeps, "store" | "locks" | "clock"> {
  /** How long an apply waits for acknowledgements, in milliseconds. */
  readonly ackTimeoutMs: number;
  readonly observeApply: ApplyObserver;
  /** An open apply of this world may be able to go on now; whoever drives it is told, not waited for. */
  readonly nudge: (worldId: string) => void;
}

/** Who calls, for the audit log. */
export interface Caller {
  /** Full name of the call, as `worldservice.v1.ActivationService/FreezeWorld`. */
  readonly rpc: string;
  /** Authenticated name; undefined where none is configured. */
  readonly principal: string | undefined;
}
