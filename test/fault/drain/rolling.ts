/** Replaces the servers of a book one after the other while callers and subscribers go on. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { ControlBusService, type SubscribeResponse } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { type ServerProcess, startedProcess } from "../../integration/operations/support.ts";

export interface RollingOptions {
  readonly redisUrl: string;
  readonly book: string;
  readonly drains: number;
  readonly servers: number;
  readonly callers: number;
}

export interface RollingResult {
  readonly drains: number;
  /** Calls that were acknowledged in the end. */
  readonly acknowledged: number;
  /** Attempts that met a server on its way out, and were repeated under the same run id. */
  readonly repeated: number;
  /** Errors that a caller cannot answer by trying elsewhere. */
  readonly failures: readonly string[];
  /** Acknowledged runs that the feed never told, told twice, or told out of order. */
  readonly feedFaults: readonly string[];
  readonly resumes: number;
  readonly exits: readonly (number | string | null)[];
}

const ADMITTED_CODES = new Set([Code.Unavailable, Code.Canceled, Code.Aborted, Code.DeadlineExceeded]);
/** Of pino's levels. */
const ERROR = 50;
const MOST_ATTEMPTS = 200;

interface Place {
  server: ServerProcess;
  transport: Transport;
}

export async function rollDrains(options: RollingOptions): Promise<RollingResult> {
  const { drains, callers } = options;
  const places = await Promise.all(Array.from({ length: options.servers }, () => open(options)));
  const acknowledged = new Map<string, bigint | undefined>();
  const failures: string[] = [];
  const exits: (number | string | null)[] = [];
  let repeated = 0;
  let running = true;
  const feed = followFeed(places);
  await feed.opened;

  async function call(runId: string, worldId: string): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const place = places[(attempt + runId.length + Number(runId.split("-")[1])) % places.length];
      try {
        const request = {
          runId,
          totalEquity: 1000,
          worldAllocations: { [worldId]: Math.round(Math.random() * 90) / 1000 },
        };
        fixed.set(runId, fixed.get(runId) ?? request);
        await createClient(AllocationService, (place as Place).transport).upsertAllocations(
          fixed.get(runId) ?? request,
          {
            timeoutMs: 10_000,
          },
        );
        acknowledged.set(runId, undefined);
        return;
      } catch (error) {
        const { code, message } = ConnectError.from(error);
        // A refused stream was never looked at: gRPC says to try again, Connect's client leaves that to its caller.
        if (!ADMITTED_CODES.has(code) && !message.includes("REFUSED_STREAM")) {
          failures.push(`${runId}: ${message}`);
          return;
        }
        repeated++;
        await sleep(5 + Math.random() * 20);
      }
    }
    failures.push(`${runId}: never acknowledged`);
  }

  /** A repeat must be the same request. */
  const fixed = new Map<
    string,
    { runId: string; totalEquity: number; worldAllocations: Record<string, number> }
  >();
  const work = Array.from({ length: callers }, async (_, id) => {
    for (let n = 0; running; n++) await call(`run-${id}-${n}`, `world-${id}`);
  });

  for (let drain = 0; drain < drains; drain++) {
    const place = places[drain % places.length] as Place;
    const successor = await open(options);
    // Callers go on with the old one until it refuses them: only then is its place taken.
    exits.push(await place.server.end("SIGTERM"));
    for (const line of place.server.lines) {
      if (Number(line.level) >= ERROR) failures.push(JSON.stringify(line).slice(0, 1500));
    }
    Object.assign(place, successor);
  }
  running = false;
  await Promise.all(work);
  const { faults, resumes } = await feed.finish([...acknowledged.keys()]);
  exits.push(...(await Promise.all(places.map(({ server }) => server.end("SIGTERM")))));
  return { drains, acknowledged: acknowledged.size, repeated, failures, feedFaults: faults, resumes, exits };
}

async function open({ redisUrl, book }: RollingOptions): Promise<Place> {
  const flags = { store: redisUrl, book, drain_timeout: "5s", log_level: "info" };
  const server = await startedProcess(flags, {}, ({ msg }) => msg !== "call");
  return { server, transport: createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` }) };
}

/** One subscriber who resumes wherever there is a server, and notes what it was told. */
function followFeed(places: readonly Place[]) {
  const opened = Promise.withResolvers<void>();
  const told = new Map<string, number>();
  const faults: string[] = [];
  const stop = new AbortController();
  let cursor = "";
  let revision = 0n;
  let resumes = -1;
  function note(message: SubscribeResponse["message"]): void {
    opened.resolve();
    if (message.case === "bookmark") cursor = message.value.cursor;
    if (message.case !== "batch") return;
    if (revision !== 0n && message.value.revision !== revision + 1n) {
      faults.push(`revision ${message.value.revision} after ${revision}`);
    }
    ({ cursor, revision } = message.value);
    for (const { payload } of message.value.events) {
      if (payload.case !== "allocationUpdated") continue;
      const runId = payload.value.allocation?.runId ?? "";
      told.set(runId, (told.get(runId) ?? 0) + 1);
    }
  }

  async function followOne({ transport }: Place): Promise<void> {
    const bus = createClient(ControlBusService, transport);
    const stream = bus.subscribe({ afterCursor: cursor }, { signal: stop.signal });
    for await (const { message } of stream) note(message);
  }

  function noteEnd(error: unknown): void {
    const { code, message } = ConnectError.from(error);
    if (!ADMITTED_CODES.has(code) && !message.includes("REFUSED_STREAM"))
      faults.push(`the feed ended with ${message}`);
  }

  const following = (async () => {
    for (let turn = 0; !stop.signal.aborted; turn++) {
      resumes++;
      await followOne(places[turn % places.length] as Place).catch(noteEnd);
      await sleep(10);
    }
  })();
  return {
    opened: opened.promise,
    async finish(runs: readonly string[]) {
      for (let waits = 0; waits < 500 && runs.some((run) => !told.has(run)); waits++) await sleep(10);
      stop.abort();
      await following;
      for (const run of runs)
        if (told.get(run) !== 1) faults.push(`${run} was told ${told.get(run) ?? 0} times`);
      return { faults, resumes };
    },
  };
}

/** Empty is good. */
export function rollingFaults({ failures, feedFaults, exits }: RollingResult): string[] {
  return [...failures, ...feedFaults, ...exits.filter((exit) => exit !== 0).map((exit) => `exit ${exit}`)];
}
