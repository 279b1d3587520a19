/** Far more changes than a server can make, asked for at a steady pace that takes no notice of the answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { startedProcess } from "../../integration/operations/support.ts";

export interface OverloadOptions {
  /** How long each part takes, in milliseconds. */
  readonly partMs: number;
  /** How many times the peak is asked for. */
  readonly times: number;
  readonly store: string;
}

export interface OverloadResult {
  /** Changes per second with as many callers as the server works on at once. */
  readonly peakPerSecond: number;
  /** What was asked for and what was done per second under overload. */
  readonly offeredPerSecond: number;
  readonly goodputPerSecond: number;
  /** Refusals that were RESOURCE_EXHAUSTED with a delay; and all other errors. */
  readonly refused: number;
  /** Streams that Node's HTTP/2 itself turned away, before the service saw them. */
  readonly turnedAway: number;
  readonly others: readonly string[];
  /** Of freezes during the overload, 99 % took no longer, in milliseconds. */
  readonly freezeP99Ms: number;
  readonly freezes: number;
}

const CALLERS = 64;
const WORLDS = 64;
const TICK_MS = 20;

export async function runOverload({ partMs, times, store }: OverloadOptions): Promise<OverloadResult> {
  const server = await startedProcess({ store, log_level: "info" }, {}, ({ msg }) => msg !== "call");
  // A connection carries 100 calls at once.
  const transports = Array.from({ length: 12 }, () =>
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` }),
  );
  let next = 0;
  const change = () => {
    const n = next++;
    const transport = transports[n % (transports.length - 1)] ?? transports[0];
    if (transport === undefined) throw new Error("no transport");
    const request = {
      runId: `run-${n}`,
      totalEquity: 1,
      worldAllocations: { [`world-${n % WORLDS}`]: 0.01 },
    };
    return createClient(AllocationService, transport).upsertAllocations(request, { timeoutMs: 20_000 });
  };

  const peakPerSecond = await peak(change, partMs);
  const others: string[] = [];
  const pending: Promise<void>[] = [];
  let refused = 0;
  let turnedAway = 0;
  let done = 0;
  const startedAt = performance.now();
  let offered = 0;
  const freezing = freezes(transports.at(-1), startedAt + partMs);
  while (performance.now() - startedAt < partMs) {
    const due = ((performance.now() - startedAt) / 1000) * peakPerSecond * times;
    for (; offered < due; offered++) {
      pending.push(
        change().then(
          () => void done++,
          (error: unknown) => {
            const failure = ConnectError.from(error);
            const isRefusal =
              failure.code === Code.ResourceExhausted && failure.findDetails(RetryInfoSchema).length > 0;
            if (isRefusal) refused++;
            else if (failure.message.includes("ENHANCE_YOUR_CALM")) turnedAway++;
            else others.push(failure.message);
          },
        ),
      );
    }
    await sleep(TICK_MS);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const doneInTime = done;
  const latencies = await freezing;
  await Promise.all(pending);
  await server.end("SIGTERM");
  return {
    peakPerSecond,
    offeredPerSecond: offered / seconds,
    goodputPerSecond: doneInTime / seconds,
    refused,
    turnedAway,
    others,
    freezeP99Ms: latencies[Math.ceil(latencies.length * 0.99) - 1] ?? 0,
    freezes: latencies.length,
  };
}

async function peak(change: () => Promise<unknown>, partMs: number): Promise<number> {
  let done = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (; performance.now() - startedAt < partMs; done++) await change();
    }),
  );
  return (done * 1000) / (performance.now() - startedAt);
}

/** Freezes a world of its own every 50 ms; the times they took, sorted. */
async function freezes(
  transport: Parameters<typeof createClient>[1] | undefined,
  until: number,
): Promise<number[]> {
  if (transport === undefined) return [];
  const client = createClient(ActivationService, transport);
  const tookMs: number[] = [];
  for (let n = 0; performance.now() < until; n++) {
    const startedAt = performance.now();
    await client.freezeWorld({ worldId: `frozen-${n}`, runId: `freeze-${n}`, reason: "overload" });
    tookMs.push(performance.now() - startedAt);
    await sleep(50);
  }
  return tookMs.toSorted((a, b) => a - b);
}
