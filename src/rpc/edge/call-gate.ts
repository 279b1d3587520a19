import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Logger } from "pino";
import { DomainError } from "../../domain/errors.ts";
import { completeConnectError, toConnectError } from "../errors.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "../interceptors/request-id.ts";
import { isLogged, logCall, type OnCallEnd } from "../interceptors/request-log.ts";

/** Looks at a call after its headers and before its body; throws to refuse it. */
export type CallGate = (context: HandlerContext) => void | Promise<void>;

/** What the edge's own gate needs to know. */
export interface CallGateOptions {
  readonly log: Logger;
  readonly isDraining: () => boolean;
  /** The house's further checks: authentication belongs here, so that strangers' bodies are never read. */
  readonly gate?: CallGate | undefined;
  readonly onCallEnd?: OnCallEnd | undefined;
}

/**
 * The first thing every call meets: names the request, refuses work while draining, asks the given gate. It also
 * arranges that the errors no interceptor sees get their details and their log line.
 */
export function callGate({ log, isDraining, gate, onCallEnd }: CallGateOptions): CallGate {
  return async (context) => {
    const call = {
      requestId: requestIdOf(context.values, context.requestHeader),
      rpc: `${context.service.typeName}/${context.method.name}`,
      startedAt: performance.now(),
    };
    context.responseHeader.set(REQUEST_ID_HEADER, call.requestId);
    const tagged = log.child({ requestId: call.requestId });
    beforeErrorIsWritten(context, (error) => {
      completeConnectError(error, { log: tagged });
      if (!isLogged(context.values)) logCall(log, call, error, onCallEnd);
    });
    try {
      if (isDraining() && !isHealth(context)) throw draining();
      await gate?.(context);
    } catch (error) {
      throw toConnectError(error, { log: tagged });
    }
  };
}

/**
 * Connect raises errors before the interceptors of a unary call run (body too large, undecodable, unknown
 * compression) and after them (answer too large). It has no hook for those, but in every protocol it aborts the
 * call's context with the error right before it writes the error out: that is where we stand. Without the context's
 * `abort`, which its type does not show, such errors would merely lack their details.
 */
function beforeErrorIsWritten(context: HandlerContext, act: (error: ConnectError) => void): void {
  if (!("abort" in context) || typeof context.abort !== "function") return;
  const abort = context.abort.bind(context);
  Object.assign(context, {
    abort(reason: unknown) {
      if (reason instanceof ConnectError) act(reason);
      abort(reason);
    },
  });
}

/** Why calls are refused and streams end while the server stops; the same call succeeds elsewhere or later. */
export function draining(): DomainError {
  return new DomainError("DRAINING", "the server is shutting down", { retryAfterMs: 1000 });
}

/** Health still answers while draining: it is how load balancers learn of it. */
function isHealth(context: HandlerContext): boolean {
  return context.service.typeName === "grpc.health.v1.Health";
}
