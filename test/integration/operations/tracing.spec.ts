import { createClient } from "@connectrpc/connect";
import { context, propagation, SpanStatusCode, type TextMapPropagator, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { expect } from "chai";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { failureOf, until } from "../edge/support.ts";

/** The W3C header, read as every SDK reads it. */
const PROPAGATOR: TextMapPropagator = {
  inject: () => undefined,
  fields: () => ["traceparent"],
  extract(into, carrier, getter) {
    const [, traceId, spanId] =
      /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(getter.get(carrier, "traceparent"))) ?? [];
    if (traceId === undefined || spanId === undefined) return into;
    return trace.setSpanContext(into, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
};

describe("tracing", () => {
  const exporter = new InMemorySpanExporter();
  let server: TestServer;

  before(async () => {
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
    );
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    propagation.setGlobalPropagator(PROPAGATOR);
    server = await startServer();
  });
  beforeEach(() => exporter.reset());
  after(async () => {
    await server.stop();
    trace.disable();
    context.disable();
    propagation.disable();
  });

  const named = (name: string): ReadableSpan | undefined =>
    exporter.getFinishedSpans().find((span) => span.name.endsWith(name));

  it("has a span per call with the stages below it, and joins the caller's trace", async () => {
    const caller = { traceId: "0123456789abcdef0123456789abcdef", spanId: "0123456789abcdef" };
    const headers = { traceparent: `00-${caller.traceId}-${caller.spanId}-01` };
    const upsert = { runId: "r", totalEquity: 1, worldAllocations: { w: 0.5 } };
    await createClient(AllocationService, server.transport).upsertAllocations(upsert, { headers });
    const call = named("AllocationService/UpsertAllocations");
    expect(call?.spanContext().traceId).to.equal(caller.traceId);
    expect(call?.parentSpanContext?.spanId).to.equal(caller.spanId);
    for (const stage of ["acquire", "context", "compute_and_save"]) {
      expect(named(`stage ${stage}`)?.parentSpanContext?.spanId, stage).to.equal(call?.spanContext().spanId);
      expect(named(`stage ${stage}`)?.status.code, stage).to.equal(SpanStatusCode.UNSET);
    }
  });

  it("keeps calls apart that run at the same time", async () => {
    const allocations = createClient(AllocationService, server.transport);
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        allocations.upsertAllocations({
          runId: `p${at}`,
          totalEquity: 1,
          worldAllocations: { [`w${at}`]: 0.001 },
        }),
      ),
    );
    const spans = exporter.getFinishedSpans();
    const calls = spans.filter(({ name }) => name.endsWith("UpsertAllocations"));
    for (const call of calls) {
      const below = spans.filter(
        ({ parentSpanContext }) => parentSpanContext?.spanId === call.spanContext().spanId,
      );
      expect(below.map(({ name }) => name)).to.deep.equal([
        "stage acquire",
        "stage context",
        "stage compute_and_save",
      ]);
    }
    expect(calls).to.have.length(20);
  });

  it("marks calls and stages that failed with the code of the answer, and says nothing of their contents", async () => {
    const upsert = (runId: string, share: number) =>
      createClient(AllocationService, server.transport).upsertAllocations({
        runId,
        totalEquity: 1,
        worldAllocations: { "secret-world": share },
      });
    await upsert("secret-run", 0.1);
    exporter.reset();
    await failureOf(upsert("secret-run", 0.2));
    const call = named("UpsertAllocations");
    expect(call?.status).to.deep.equal({ code: SpanStatusCode.ERROR, message: "already_exists" });
    const failed = exporter.getFinishedSpans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
    expect(failed.map(({ name }) => name))
      .to.include(call?.name)
      .and.to.have.length(2);
    const text = exporter
      .getFinishedSpans()
      .map(({ name, attributes, status, events }) => ({ name, attributes, status, events }));
    expect(JSON.stringify(text)).not.to.contain("secret");
  });

  it("ends the span of a stream when the stream is over", async () => {
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of createClient(ControlBusService, server.transport).subscribe(
        {},
        { signal: stop.signal },
      )) {
        expect(named("Subscribe")).to.equal(undefined);
        stop.abort();
      }
    })().catch(() => undefined);
    await reading;
    await until(() => named("Subscribe") !== undefined);
  });

  it("names the span of a read after its RPC, and gives it no stages", async () => {
    await createClient(RebalanceService, server.transport).planRebalance({ rebalance: { totalEquity: 1 } });
    expect(exporter.getFinishedSpans().map(({ name }) => name)).to.deep.equal([
      "worldservice.v1.RebalanceService/PlanRebalance",
    ]);
  });
});
