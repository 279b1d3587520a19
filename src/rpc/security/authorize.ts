import type { DescService, Message } from "@bufbuild/protobuf";
import {
  type ContextValues,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { DomainError } from "../../domain/errors.ts";
import type { CallGate } from "../edge/call-gate.ts";
import { type ErrorLog, toConnectError } from "../errors.ts";
import { peerKey } from "../peer.ts";
import { principalKey } from "../principal.ts";
import { type Credentials, createCredentialBook } from "./credentials.ts";
import { createFailureLimit } from "./failure-limit.ts";
import type { AuthenticatedPrincipal } from "./grants.ts";
import { assertRuled, RULES, type Rule, rpcName } from "./rules.ts";
import type { WorldsOfRun } from "./run-worlds.ts";

export interface AuthorizationOptions {
  /** None: everybody may call everything. */
  readonly credentials: Credentials;
  /** Failed authentications per second and address, beyond which nothing new is tried. */
  readonly failuresPerSecond: number;
  /** Everything that is served; each method needs a rule. */
  readonly services: readonly DescService[];
  readonly worldsOfRun: WorldsOfRun;
  readonly log: ErrorLog;
}

/** Who may call what, asked twice: before the body of a call is read, and once it is known which worlds it names. */
export interface Authorization {
  readonly gate: CallGate;
  readonly interceptor: Interceptor;
  /** Others count at once, for subscriptions that are open too. */
  replaceCredentials(credentials: Credentials): void;
}

/** A stream that goes on for long, and what it was let in for. */
interface OpenStream {
  readonly principal: AuthenticatedPrincipal | undefined;
  readonly rule: Rule;
  readonly worlds: readonly string[];
  readonly end: (error: unknown) => void;
}

const grantsKey = createContextKey<AuthenticatedPrincipal | undefined>(undefined, {
  description: "what the caller's credential allows",
});
const endKey = createContextKey<((error: unknown) => void) | undefined>(undefined, {
  description: "ends the call with an error",
});

/** @throws Error when a method of `services` has no rule. */
export function createAuthorization(options: AuthorizationOptions): Authorization {
  const { worldsOfRun, log } = options;
  assertRuled(options.services);
  const book = createCredentialBook(options.credentials, Date.now);
  const failures = createFailureLimit(options.failuresPerSecond, () => performance.now());
  const streams = new Set<OpenStream>();
  book.onReplaced(() => {
    for (const stream of streams) judgeAnew(stream);
  });

  function judgeAnew({ principal, rule, worlds, end }: OpenStream): void {
    if (book.isOpen()) return;
    const now = principal && book.renewed(principal);
    if (now === undefined) end(toConnectError(unauthenticated(), { log }));
    else if (rule.kind !== "public" && !mayStill(now, rule, worlds)) {
      end(toConnectError(denied(rule.role), { log }));
    }
  }

  /** Keeps a stream under watch until its call is over, however it ends. */
  function watch(stream: OpenStream, signal: AbortSignal): void {
    if (signal.aborted) return;
    streams.add(stream);
    const expiry = atEndOf(stream.principal, () => judgeAnew(stream));
    const forget = () => {
      clearTimeout(expiry);
      streams.delete(stream);
    };
    signal.addEventListener("abort", forget, { once: true });
    judgeAnew(stream); // the credentials may have changed since the gate
  }

  function authenticate(context: HandlerContext): AuthenticatedPrincipal {
    const peer = context.values.get(peerKey);
    const authorization = context.requestHeader.get("authorization");
    const principal = book.authenticate({ authorization, certificate: peer?.certificate });
    const waitMs = failures.judge(peer?.address ?? "", principal?.credential);
    if (waitMs !== undefined) throw tooManyFailures(waitMs);
    if (principal === undefined) throw unauthenticated();
    return principal;
  }

  async function check(principal: AuthenticatedPrincipal, rule: Rule, message: Message): Promise<void> {
    if (rule.kind === "worlds" && !principal.may(rule.role, rule.worldsOf(message))) throw denied(rule.role);
    if (rule.kind !== "run" || principal.may(rule.role, [])) return;
    const runId = rule.runIdOf(message);
    const worlds = await worldsOfRun(runId);
    // A run of foreign worlds and no run at all must look the same.
    if (worlds === undefined || !principal.may(rule.role, worlds)) throw runNotFound(runId);
  }

  return {
    gate(context) {
      const rule = ruleOf(rpcName(context.method));
      if ("abort" in context && typeof context.abort === "function") {
        context.values.set(endKey, context.abort.bind(context));
      }
      if (rule.kind === "public" || book.isOpen()) return;
      const principal = authenticate(context);
      context.values.set(principalKey, principal).set(grantsKey, principal);
      if (!principal.hasRole(rule.role)) throw denied(rule.role);
    },

    interceptor: (next) => async (request) => {
      const rule = ruleOf(rpcName(request.method));
      if (rule.kind === "public") return next(request);
      const { contextValues, signal } = request;
      const principal = contextValues.get(grantsKey);
      if (!request.stream) {
        if (principal !== undefined) await check(principal, rule, request.message);
        else if (!book.isOpen()) throw unauthenticated();
        return next(request);
      }
      let isWatched = false;
      const onMessage = async (message: Message) => {
        if (principal !== undefined) await check(principal, rule, message);
        if (isWatched) return;
        isWatched = true;
        const worlds = rule.kind === "worlds" ? rule.worldsOf(message) : [];
        watch({ principal, rule, worlds, end: enderOf(contextValues) }, signal);
      };
      return next({ ...request, message: checked(request.message, onMessage) });
    },

    replaceCredentials: book.replace,
  };
}

async function* checked<T extends Message>(
  messages: AsyncIterable<T>,
  onMessage: (message: T) => Promise<void>,
): AsyncGenerator<T> {
  for await (const message of messages) {
    await onMessage(message);
    yield message;
  }
}

/** Nothing is allowed that no rule allows. */
function ruleOf(rpc: string): Rule {
  const rule = RULES.get(rpc);
  if (rule === undefined) throw new DomainError("PERMISSION_DENIED", "nobody may call this");
  return rule;
}

function mayStill(
  principal: AuthenticatedPrincipal,
  rule: Exclude<Rule, { kind: "public" }>,
  worlds: readonly string[],
): boolean {
  return rule.kind === "worlds" ? principal.may(rule.role, worlds) : principal.hasRole(rule.role);
}

function enderOf(values: ContextValues): (error: unknown) => void {
  return values.get(endKey) ?? (() => undefined);
}

/** Node's timers reach no further than 24 days; a stream that is open for longer is judged again then. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Acts when the principal's credential runs out by itself. */
function atEndOf(principal: AuthenticatedPrincipal | undefined, act: () => void): NodeJS.Timeout | undefined {
  if (principal?.validToMs === undefined) return undefined;
  return setTimeout(act, Math.min(LONGEST_TIMER_MS, principal.validToMs - Date.now())).unref();
}

/** One answer for no credentials, wrong ones and those that no longer count. */
function unauthenticated(): DomainError {
  return new DomainError("UNAUTHENTICATED", "a valid bearer token or client certificate is needed");
}

function tooManyFailures(retryAfterMs: number): DomainError {
  return new DomainError(
    "LIMIT_EXCEEDED",
    "too many calls without valid credentials come from this address",
    {
      retryAfterMs,
      metadata: { limit: "auth_failures" },
    },
  );
}

/** The same for worlds that exist and worlds that do not: who may not see a world does not learn that there is one. */
function denied(role: string): DomainError {
  return new DomainError(
    "PERMISSION_DENIED",
    `this needs the role ${role} for every world it names, or for the whole book where it names none`,
    { metadata: { role } },
  );
}

function runNotFound(runId: string): DomainError {
  return new DomainError("RUN_NOT_FOUND", `no such run: ${runId}`, { metadata: { run_id: runId } });
}
