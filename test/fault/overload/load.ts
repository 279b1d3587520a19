/**
 * The callers of an overload, in a process of their own: node's HTTP/2 by hand, so that next to nothing of what is
 * measured is theirs. Started with an IPC channel; says what came of it when it is done.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { UpsertAllocationsRequestSchema } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { StatusSchema } from "#thirdparty/google/rpc/status_pb.ts";
import { type Answer, type Caller, openCaller } from "./caller.ts";
import type { LoadOrder, LoadReport } from "./messages.ts";

const UPSERT = "/worldservice.v1.AllocationService/UpsertAllocations";
const WORLDS = 64;
const TICK_MS = 5;
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

/** Digits of a run id: a template's bytes are patched, which costs nothing beside encoding a message. */
const DIGITS = 9;

interface Template {
  readonly bytes: Buffer;
  readonly digitsAt: number;
}

const templates = Array.from({ length: WORLDS }, (_, world): Template => {
  const marker = "0".repeat(DIGITS);
  const message = create(UpsertAllocationsRequestSchema, {
    runId: marker,
    totalEquity: 1,
    worldAllocations: { [`world-${world}`]: 0.01 },
  });
  const bytes = Buffer.from(toBinary(UpsertAllocationsRequestSchema, message));
  return { bytes, digitsAt: bytes.indexOf(marker) };
});

function requestOf(run: number): Buffer {
  const { bytes, digitsAt } = templates[run % WORLDS] as Template;
  const request = Buffer.from(bytes);
  request.write(String(run).padStart(DIGITS, "0"), digitsAt, "latin1");
  return request;
}

const tally = { offered: 0, done: 0, refused: 0, withoutDelay: 0, turnedAway: 0 };
const others = new Set<string>();

function count({ status, details, failure }: Answer): void {
  if (status === Code.ResourceExhausted && details !== undefined) {
    tally.refused++;
    if (!tellsDelay(details)) tally.withoutDelay++;
  } else if (status === 0) tally.done++;
  else if (failure?.endsWith("NGHTTP2_REFUSED_STREAM") === true) tally.turnedAway++;
  else others.add(failure ?? `status ${status}`);
}

function tellsDelay(details: string): boolean {
  const status = fromBinary(StatusSchema, Buffer.from(details, "base64"));
  return status.details.some(({ typeUrl }) => typeUrl === RETRY_INFO);
}

/** As many callers as the server works on at once, each with its next call as soon as it has an answer. */
async function closedLoop(
  callers: readonly Caller[],
  at: number,
  until: number,
  first: number,
): Promise<void> {
  let run = first;
  const work = async (caller: Caller) => {
    while (performance.now() < until) {
      tally.offered++;
      count(await caller.call(UPSERT, requestOf(run++)));
    }
  };
  await Promise.all(Array.from({ length: at }, (_, n) => work(callers[n % callers.length] as Caller)));
}

/** A steady pace that takes no notice of the answers. */
async function openLoop(
  callers: readonly Caller[],
  perSecond: number,
  until: number,
  first: number,
): Promise<void> {
  const startedAt = performance.now();
  let run = first;
  while (performance.now() < until) {
    const due = ((performance.now() - startedAt) / 1000) * perSecond;
    for (; tally.offered < due; tally.offered++) {
      const caller = callers[run % callers.length] as Caller;
      caller.call(UPSERT, requestOf(run++)).then(count);
    }
    await sleep(TICK_MS);
  }
}

async function run(order: LoadOrder): Promise<LoadReport> {
  Object.assign(tally, { offered: 0, done: 0, refused: 0, withoutDelay: 0, turnedAway: 0 });
  const callers = await Promise.all(Array.from({ length: order.connections }, () => openCaller(order.port)));
  const startedAt = performance.now();
  const until = startedAt + order.ms;
  if (order.perSecond === undefined) await closedLoop(callers, order.callers, until, order.firstRun);
  else await openLoop(callers, order.perSecond, until, order.firstRun);
  const report = { ...tally, seconds: (performance.now() - startedAt) / 1000 };
  await Promise.all(callers.map((caller) => caller.close()));
  return { ...report, refusedInAll: tally.refused, others: [...others] };
}

process.on("message", (order: LoadOrder) => {
  run(order).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
