import { AsyncLocalStorage } from "node:async_hooks";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

/** Told how long each stage took, in seconds. */
export type StageTimes = (stage: string, outcome: "ok" | "failed", seconds: number) => void;

/** Follows calls and the stages inside them. Spans go wherever a registered SDK sends them; without one, nowhere. */
export interface Tracing {
  /** Must stand outside of the error mapping, so that a span has the code its caller gets. */
  readonly interceptor: Interceptor;
  /** Fits the orchestrator's stage observer. */
  readonly observeStage: (stage: string, moment: "begin" | "end") => void;
}

interface RunningStage {
  readonly span: Span;
  readonly startedAt: number;
}

/** What belongs to one call, found again wherever its work goes on. */
interface CallScope {
  readonly context: Context;
  readonly stages: Map<string, RunningStage>;
}

export function createTracing(onStage: StageTimes = () => undefined): Tracing {
  const scopes = new AsyncLocalStorage<CallScope>();
  const tracer = trace.getTracer("worldservice");

  function endStages(scope: CallScope, error: unknown): void {
    for (const [stage, running] of scope.stages) endStage(stage, running, error);
    scope.stages.clear();
  }

  function endStage(stage: string, { span, startedAt }: RunningStage, error: unknown): void {
    onStage(stage, error === undefined ? "ok" : "failed", (performance.now() - startedAt) / 1000);
    endSpan(span, error);
  }

  return {
    interceptor: (next) => async (request) => {
      const parent = propagation.extract(context.active(), request.header, HEADERS);
      const { service, method } = request;
      const span = tracer.startSpan(
        `${service.typeName}/${method.name}`,
        {
          kind: SpanKind.SERVER,
          attributes: { "rpc.system": "grpc", "rpc.service": service.typeName, "rpc.method": method.name },
        },
        parent,
      );
      const scope: CallScope = { context: trace.setSpan(parent, span), stages: new Map() };
      const end = (error?: unknown) => {
        endStages(scope, error ?? LEFT_OPEN);
        endSpan(span, error);
      };
      try {
        const response = await scopes.run(scope, () => context.with(scope.context, () => next(request)));
        if (!response.stream) {
          end();
          return response;
        }
        return { ...response, message: followed(response.message, request.signal, end) };
      } catch (error) {
        end(error);
        throw error;
      }
    },

    observeStage(stage, moment) {
      const scope = scopes.getStore();
      if (scope === undefined) return; // work of the server itself, such as recovery
      const running = scope.stages.get(stage);
      if (moment === "begin") {
        const span = tracer.startSpan(
          `stage ${stage}`,
          { attributes: { "worldservice.stage": stage } },
          scope.context,
        );
        scope.stages.set(stage, { span, startedAt: performance.now() });
      } else if (running !== undefined) {
        scope.stages.delete(stage);
        endStage(stage, running, undefined);
      }
    },
  };
}

/** The cause of a stage that neither ended nor failed before its call did. */
const LEFT_OPEN = new ConnectError("the call ended first", Code.Aborted);

const HEADERS = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: (headers: Headers) => [...headers.keys()],
};

/** The code only: messages may name what callers sent. */
function endSpan(span: Span, error: unknown): void {
  const code = error === undefined ? "ok" : codeToString(ConnectError.from(error).code);
  span.setAttribute("rpc.code", code);
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  span.end();
}

/** A stream whose peer is gone may never run on: then the signal is what ends its span. */
async function* followed<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  end: (error?: unknown) => void,
): AsyncGenerator<T> {
  let isOpen = true;
  const once = (error?: unknown) => {
    if (isOpen) end(error);
    isOpen = false;
  };
  const onAbort = () => once(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    yield* messages;
    once();
  } catch (error) {
    once(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
