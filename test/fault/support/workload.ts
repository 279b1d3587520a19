/** Requests, and callers that send each of them until it is answered for good, whoever dies meanwhile. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  UpsertAllocationsRequestSchema,
  UpsertAllocationsResponseSchema,
} from "#gen/worldservice/v2/allocation_service_pb.ts";
import {
  ApplyRebalanceRequestSchema,
  ApplyRebalanceResponseSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { Attempt, History, Run } from "../../support/history.ts";
import type { Reply } from "../../support/wire-client.ts";
import type { Member } from "./fleet.ts";
import type { Random } from "./random.ts";

const PATHS = {
  UpsertAllocations: "/worldservice.v2.AllocationService/UpsertAllocations",
  ApplyRebalance: "/worldservice.v2.RebalanceService/ApplyRebalance",
} as const;

const EQUITY = 1_000_000;
export const DEADLINE_MS = 4_000;

/** A run and its bytes: what is sent again is the same to the last bit. */
export interface Sendable {
  readonly run: Run;
  readonly request: Uint8Array;
}

export function sendable(run: Run): Sendable {
  return { run, request: run.rpc === "UpsertAllocations" ? upsertBytes(run) : applyBytes(run) };
}

function rows(worlds: Iterable<string>) {
  return [...worlds].flatMap((worldId) => [
    { worldId, strategyId: "trend", symbol: "BTC", qty: 2, mark: 30_000 },
    { worldId, strategyId: "carry", symbol: "ETH", qty: -10, mark: 2_000 },
  ]);
}

function ratios({ shares }: Run): Record<string, number> {
  return Object.fromEntries([...shares].map(([world, share]) => [world, share / 1_000]));
}

function upsertBytes(run: Run): Uint8Array {
  const message = create(UpsertAllocationsRequestSchema, {
    runId: run.runId,
    totalEquity: EQUITY,
    worldAllocations: ratios(run),
    positions: rows(run.shares.keys()),
    etagByWorld: Object.fromEntries(run.etags),
  });
  return toBinary(UpsertAllocationsRequestSchema, message);
}

function applyBytes(run: Run): Uint8Array {
  const worldAllocBefore = Object.fromEntries([...run.shares.keys()].map((world) => [world, 0.1]));
  const rebalance = {
    totalEquity: EQUITY,
    worldAllocBefore,
    worldAllocAfter: ratios(run),
    positions: rows(run.shares.keys()),
  };
  return toBinary(
    ApplyRebalanceRequestSchema,
    create(ApplyRebalanceRequestSchema, { runId: run.runId, rebalance }),
  );
}

/** What an acknowledgement says, apart from whether it is the first one. */
interface Acknowledged {
  readonly replayed: boolean;
  readonly answer: string;
  readonly etagByWorld: Readonly<Record<string, string>>;
}

function acknowledged({ run }: Sendable, bytes: Uint8Array): Acknowledged {
  if (run.rpc === "UpsertAllocations") {
    const { replayed, etagByWorld } = fromBinary(UpsertAllocationsResponseSchema, bytes);
    return { replayed, answer: digestWithout(bytes, [0x38, 0x01], replayed), etagByWorld };
  }
  const { replayed } = fromBinary(ApplyRebalanceResponseSchema, bytes);
  return { replayed, answer: digestWithout(bytes, [0x20, 0x01], replayed), etagByWorld: {} };
}

/** `replayed` is the last field of both answers, so its two bytes stand at the end. */
export function digestWithout(bytes: Uint8Array, field: readonly [number, number], isSet: boolean): string {
  const rest = isSet ? bytes.subarray(0, -2) : bytes;
  const hasField = bytes.at(-2) === field[0] && bytes.at(-1) === field[1];
  if (isSet && !hasField) throw new Error("`replayed` is not the last field of the answer");
  return createHash("sha256").update(rest).digest("hex");
}

/** Refusals after which the same request may still succeed; everything else the service says is for good. */
const RETRIED_REASONS = new Set(["LOCK_LOST", "LIMIT_EXCEEDED"]);
const OPEN_CODES = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.UNKNOWN,
  status.INTERNAL,
]);

export interface Caller {
  readonly history: History;
  /** Who serves now. */
  readonly members: () => readonly Member[];
  readonly random: Random;
}

/** An attempt with the etags it brought back, empty where it brought none. */
export interface Answered extends Attempt {
  readonly etagByWorld: Readonly<Record<string, string>>;
}

/** One attempt at one server, written down. */
export async function attempt(
  { history }: Pick<Caller, "history">,
  member: Pick<Member, "client">,
  toSend: Sendable,
  deadlineMs = DEADLINE_MS,
): Promise<Answered> {
  const { run, request } = toSend;
  const invokedAt = performance.now();
  const reply = await member.client.call(PATHS[run.rpc], request, deadlineMs);
  const times = { run, invokedAt, returnedAt: performance.now() };
  const seen = reply.ok ? { ...times, ...heard(toSend, reply.bytes) } : { ...times, ...refused(reply) };
  history.record(seen);
  return seen;
}

function heard(toSend: Sendable, bytes: Uint8Array) {
  return { ...acknowledged(toSend, bytes), verdict: "ok" as const, reason: "" };
}

function refused(reply: Extract<Reply, { ok: false }>) {
  const reason = reply.reason || status[reply.code];
  return { verdict: verdictOf(reply), reason, replayed: false, answer: "", etagByWorld: {} };
}

function verdictOf({ code }: { readonly code: status }): "fail" | "unknown" {
  return OPEN_CODES.has(code) ? "unknown" : "fail";
}

/** Sends a run to one server after the other until it is answered for good; undefined when time is up. */
export async function settle(
  caller: Caller,
  toSend: Sendable,
  limitMs = 60_000,
): Promise<Answered | undefined> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const members = caller.members();
    if (members.length > 0) {
      const seen = await attempt(caller, caller.random.pick(members), toSend);
      if (seen.verdict !== "unknown" && !RETRIED_REASONS.has(seen.reason)) return seen;
    }
    await sleep(10);
  }
  return undefined;
}

export const WORLDS: readonly string[] = Array.from({ length: 8 }, (_, i) => `world-${i}`);

export interface Load {
  /** Runs that were answered for good so far. */
  settled(): number;
  /** Ends the callers once their runs are answered; returns how many were not, however often they were sent. */
  drain(): Promise<number>;
}

export interface LoadOptions extends Caller {
  readonly callers: number;
  /** Pause between two runs of a caller, in milliseconds. */
  readonly thinkMs: number;
}

/** Callers that send one run after the other: upserts of one to three worlds, some with etags, and applied plans. */
export function startLoad({ callers, thinkMs, ...caller }: LoadOptions): Load {
  const { random } = caller;
  const etags = new Map<string, string>();
  let stopped = false;
  let settled = 0;
  let unsettled = 0;

  function nextRun(runId: string): Run {
    const rpc = random.next() < 0.2 ? "ApplyRebalance" : "UpsertAllocations";
    const worlds = random.some(WORLDS, random.between(1, 3));
    const shares = new Map(worlds.map((world) => [world, random.between(0, 200)]));
    const known = worlds.flatMap((world) => {
      const etag = etags.get(world);
      return etag === undefined ? [] : [[world, etag] as const];
    });
    const isConditional = rpc === "UpsertAllocations" && random.next() < 0.2;
    return { runId, rpc, shares, etags: new Map(isConditional ? known : []) };
  }

  async function work(id: number): Promise<void> {
    for (let turn = 0; !stopped; turn++) {
      const toSend = sendable(nextRun(`run-${id}-${turn}`));
      const seen = await settle(caller, toSend);
      if (seen === undefined) unsettled++;
      else settled++;
      for (const [world, etag] of Object.entries(seen?.etagByWorld ?? {})) etags.set(world, etag);
      await sleep(thinkMs);
    }
  }

  const all = Promise.all(Array.from({ length: callers }, (_, id) => work(id)));
  return {
    settled: () => settled,
    async drain() {
      stopped = true;
      await all;
      return unsettled;
    },
  };
}
