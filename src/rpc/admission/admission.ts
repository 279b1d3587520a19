import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor } from "@connectrpc/connect";
import { DomainError } from "../../domain/errors.ts";
import type { CallGate } from "../edge/call-gate.ts";
import { RESERVED_LANE } from "../lanes.ts";
import { SERVICES } from "../routes.ts";
import { principalOf } from "../security/grants.ts";
import { RULES, type Rule, rpcName } from "../security/rules.ts";
import { createLagMeter, type LagMeter } from "./lag-meter.ts";
import { type AdmissionLimits, DEFAULT_ADMISSION } from "./limits.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createSlots, type Slots } from "./slots.ts";
import { createWaitingLine } from "./waiting-line.ts";

/** What a server that does too much already has no room for. */
export type Lack = "calls" | "mutations" | "lag";

/** Which limit a call met; also the label of a metric. */
export type RefusedBy = Lack | "rate" | "world" | "subscriptions" | "streams";

export interface AdmissionOptions {
  readonly limits?: Partial<AdmissionLimits>;
  readonly lag?: LagMeter;
  readonly onRefused?: (by: RefusedBy) => void;
}

/** Decides which calls a server takes on: most refusals fall before the body of a call is read. */
export interface Admission {
  /** Why there is no room for a unary call now; counts as a refusal. Asked first, since it costs next to nothing. */
  lackFor(rpc: string): Lack | undefined;
  /** To be asked after authentication. */
  readonly gate: CallGate;
  /** Makes mutations wait their turn. */
  readonly interceptor: Interceptor;
  /** How far the event loop is behind, in milliseconds. */
  lagMs(): number;
  /** Calls that were let in and have not ended, streams aside. */
  callsInFlight(): number;
  start(): void;
  stop(): Promise<void>;
}

/** Principals are told apart; callers without one share this. */
const ANYBODY = "";

export function createAdmission({
  onRefused = () => undefined,
  ...options
}: AdmissionOptions = {}): Admission {
  const limits = { ...DEFAULT_ADMISSION, ...options.limits };
  const lag = options.lag ?? createLagMeter();
  const { ratePerSecond } = limits;
  const rate =
    ratePerSecond === undefined ? undefined : createRateLimit(ratePerSecond, () => performance.now());
  const subscriptions = new Map<string, number>();
  const running = createSlots(limits.running, limits.mutations, limits.startedPerTurn);
  const worlds = new Map<string, Slots>();
  let publicStreams = 0;
  const line = createWaitingLine(limits, () => performance.now());
  let calls = 0;
  let mutations = 0;

  function refuse(by: RefusedBy, retryAfterMs?: number): DomainError {
    onRefused(by);
    return refusalBy(by, retryAfterMs);
  }

  /** Loads that a server which does too much already can do without; the reserved lane and probes are none of them. */
  function lackOfRoom(isMutation: boolean): Lack | undefined {
    if (isMutation && mutations >= line.most(running.waiting())) return "mutations";
    if (calls >= limits.calls) return "calls";
    return calls >= limits.lagCalls && lag.lagMs() > limits.lagMs ? "lag" : undefined;
  }

  function admitCall(context: HandlerContext, isMutation: boolean): void {
    const lack = lackOfRoom(isMutation);
    if (lack !== undefined) throw refuse(lack);
    calls++;
    if (isMutation) mutations++;
    onceOver(context.signal, () => {
      calls--;
      if (isMutation) mutations--;
    });
  }

  function admitStream(context: HandlerContext, principal: string): void {
    if (calls >= limits.lagCalls && lag.lagMs() > limits.lagMs) throw refuse("lag");
    if (limits.subscriptions === undefined) return;
    const open = subscriptions.get(principal) ?? 0;
    if (open >= limits.subscriptions) throw refuse("subscriptions");
    subscriptions.set(principal, open + 1);
    onceOver(context.signal, () => subscriptions.set(principal, (subscriptions.get(principal) ?? 1) - 1));
  }

  /** Anybody may open these, so there are few. */
  function admitPublicStream(context: HandlerContext): void {
    if (publicStreams >= limits.publicStreams) throw refuse("streams");
    publicStreams++;
    onceOver(context.signal, () => publicStreams--);
  }

  /** Takes a place in every world, in sorted order, so that two calls never wait for each other. */
  async function takeAll(names: readonly string[], signal: AbortSignal): Promise<() => void> {
    const held: (() => void)[] = [];
    const release = () => {
      for (const giveBack of held.splice(0).reverse()) giveBack();
      for (const name of names) if (worlds.get(name)?.isIdle() === true) worlds.delete(name);
    };
    try {
      for (const name of names) {
        const slots = worlds.get(name) ?? createSlots(limits.runningPerWorld, limits.waitingPerWorld);
        worlds.set(name, slots);
        held.push(await (slots.take(signal) ?? Promise.reject(refuse("world"))));
      }
      held.push(await (running.take(signal) ?? Promise.reject(refuse("mutations"))));
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    lackFor(rpc) {
      const isMutation = UNARY.get(rpc);
      const lack = isMutation === undefined ? undefined : lackOfRoom(isMutation);
      if (lack !== undefined) onRefused(lack);
      return lack;
    },

    gate(context) {
      const rpc = rpcName(context.method);
      const rule = RULES.get(rpc);
      if (rule === undefined) return;
      if (rule.kind === "public") {
        if (context.method.methodKind !== "unary") admitPublicStream(context);
        return;
      }
      const principal = principalOf(context) ?? ANYBODY;
      const waitMs = rate?.take(principal);
      if (waitMs !== undefined) throw refuse("rate", waitMs);
      if (RESERVED_LANE.has(rpc)) return;
      if (context.method.methodKind === "unary") admitCall(context, changes(rule));
      else admitStream(context, principal);
    },

    interceptor: (next) => async (request) => {
      const rpc = rpcName(request.method);
      const rule = RULES.get(rpc);
      if (request.stream || rule === undefined || !changes(rule) || RESERVED_LANE.has(rpc))
        return next(request);
      const release = await takeAll(worldsOf(rule, request.message), request.signal);
      try {
        return await next(request);
      } finally {
        release();
      }
    },

    lagMs: lag.lagMs,
    callsInFlight: () => calls,
    start: lag.start,
    stop: lag.stop,
  };
}

/** @param retryAfterMs where the limit itself does not say when to come again. */
export function refusalBy(by: RefusedBy, retryAfterMs = RETRY_MS[by]): DomainError {
  return new DomainError("LIMIT_EXCEEDED", TEXTS[by], { retryAfterMs, metadata: { limit: by } });
}

const TEXTS: Readonly<Record<RefusedBy, string>> = {
  rate: "this caller makes more calls per second than it may",
  calls: "the server has as many calls as it can carry",
  mutations: "the server has as many changes waiting as it can carry",
  lag: "the server is behind with its work",
  world: "too many changes wait for this world",
  subscriptions: "this caller has as many subscriptions as it may have",
  streams: "the server has as many streams for callers without credentials as it can carry",
};

/** How long to wait before the same call again, in milliseconds; the rate limit tells its own time. */
const RETRY_MS: Readonly<Record<RefusedBy, number>> = {
  rate: 1000,
  calls: 500,
  mutations: 500,
  lag: 1000,
  world: 500,
  subscriptions: 5000,
  streams: 5000,
};

/** The unary calls that a server without room refuses, and whether they change something. */
const UNARY: ReadonlyMap<string, boolean> = new Map(
  SERVICES.flatMap(({ methods }) => methods)
    .filter((method) => method.methodKind === "unary" && !RESERVED_LANE.has(rpcName(method)))
    .flatMap((method) => {
      const rule = RULES.get(rpcName(method));
      return rule === undefined || rule.kind === "public" ? [] : [[rpcName(method), changes(rule)] as const];
    }),
);

/** What takes more than a reader takes locks and commits. */
function changes(rule: Rule): boolean {
  return rule.kind !== "public" && rule.role !== "reader";
}

function worldsOf(rule: Rule, message: Message): string[] {
  return rule.kind === "worlds" ? [...new Set(rule.worldsOf(message))].sort() : [];
}

/** A call is over when its signal aborts, whichever way it ended. */
function onceOver(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener("abort", then, { once: true });
}
