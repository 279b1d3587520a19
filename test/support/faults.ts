/** What the harness and the faulty server say to each other, over Node's IPC channel. */

/** Where a fault can strike: the edges of the orchestrator's stages, and around the one write of a call. */
export const FAULT_POINTS = [
  "acquire:begin",
  "acquire:end",
  "context:begin",
  "context:end",
  "compute_and_save:begin",
  "commit:send",
  "commit:sent",
  "commit:acked",
  "compute_and_save:end",
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

export interface Fault {
  readonly point: FaultPoint;
  /**
   * `kill` = SIGKILL, `stop` = SIGSTOP of the own process, `hold` = this call waits until it is told to go on. All but
   * `kill` are told to the harness first.
   */
  readonly action: "kill" | "stop" | "hold";
  /** Passages of the point that are let through before it strikes, once. */
  readonly skip: number;
}

/** What keeps a commit from doing harm; each can be switched off to see that the suites would notice. */
export const GUARDS = ["fence", "claim", "etag", "budget"] as const;
export type Guard = (typeof GUARDS)[number];

export interface StartOptions {
  /** Settings by flag name. */
  readonly flags: Readonly<Record<string, string | number | boolean>>;
  readonly guardOff?: Guard | undefined;
  /** Read what a call needs before its locks are taken, as a lock service apart from the store would. */
  readonly earlyContext?: boolean | undefined;
}

export type ToServer =
  | { readonly start: StartOptions }
  | { readonly arm: Fault }
  /** Ends a `hold`. */
  | { readonly go: true };

export type FromServer =
  | { readonly loaded: true }
  | { readonly port: number }
  | { readonly failed: string }
  | { readonly armed: true }
  | { readonly reached: FaultPoint };
