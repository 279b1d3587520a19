/** Throws inputs at a server process and watches what becomes of it. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Health } from "#thirdparty/health/v1/health_pb.ts";
import { type ServerProcess, startedProcess } from "../../integration/operations/support.ts";
import { randomOf } from "../support/random.ts";
import { ATTACKS, sendRaw } from "./attacks.ts";
import { createCaller } from "./calls.ts";

export interface CampaignOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Names of the raw attacks to take part; all of them without. */
  readonly attacks?: readonly string[];
  readonly onProgress?: (done: number) => void;
}

export interface CampaignResult {
  readonly inputs: number;
  /** By kind of input. */
  readonly sent: ReadonlyMap<string, number>;
  /** The process ended before it was told to. */
  readonly crashed: boolean;
  /** Errors that the server could not explain, as its log tells them. */
  readonly unexplained: readonly string[];
  /** What stands on its standard error. */
  readonly errors: string;
  /** Health checks that took longer than a second, or failed; and the longest one, in milliseconds. */
  readonly lateAnswers: number;
  readonly slowestMs: number;
  /** Largest resident memory, in MiB. */
  readonly peakMib: number;
  /** How it ended when it was told to. */
  readonly exit: number | NodeJS.Signals | null;
}

/** One of this many inputs is a raw connection: they cost much more than calls. */
const RAW_SHARE = 0.1;
const CALLERS = 32;
/** Of pino's levels. */
const ERROR = 50;
const ANSWER_LIMIT_MS = 1_000;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { inputs, seed, attacks = Object.keys(ATTACKS), onProgress } = options;
  const server = await startedProcess(
    { reflection: "on", drain_timeout: "2s" },
    {},
    ({ level }) => Number(level) >= ERROR,
  );
  const sent = new Map<string, number>();
  const watch = watchOver(server);
  let next = 0;
  const work = async () => {
    const caller = createCaller(server.port);
    for (let at = next++; at < inputs && server.child.exitCode === null; at = next++) {
      const random = randomOf(seed + at);
      const kind = random.next() < RAW_SHARE ? random.pick(attacks) : "calls";
      const attack = ATTACKS[kind];
      await (attack === undefined ? caller.send(random) : sendRaw(server.port, attack(random), random));
      sent.set(kind, (sent.get(kind) ?? 0) + 1);
      if (at % 10_000 === 0) onProgress?.(at);
    }
    caller.close();
  };
  await Promise.all(Array.from({ length: CALLERS }, work));
  const seen = await watch.stop();
  const crashed = server.child.exitCode !== null || server.child.signalCode !== null;
  const exit = crashed ? server.child.exitCode : await server.end("SIGTERM");
  return {
    ...seen,
    inputs: [...sent.values()].reduce((sum, count) => sum + count, 0),
    sent,
    crashed,
    unexplained: server.lines.map((line) => JSON.stringify(line)),
    errors: server.errors(),
    exit,
  };
}

/** Asks the server for its health, four times a second, while the campaign runs. */
function watchOver(server: ServerProcess) {
  const health = createClient(Health, createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` }));
  let running = true;
  let lateAnswers = 0;
  let slowestMs = 0;
  let peakMib = 0;
  const watching = (async () => {
    while (running) {
      const startedAt = performance.now();
      const isAnswered = await health.check({}, { timeoutMs: 10_000 }).then(
        () => true,
        () => false,
      );
      const tookMs = performance.now() - startedAt;
      slowestMs = Math.max(slowestMs, tookMs);
      if (!isAnswered || tookMs > ANSWER_LIMIT_MS) lateAnswers++;
      peakMib = Math.max(peakMib, residentMib(server.child.pid));
      await sleep(250);
    }
  })();
  return {
    async stop() {
      running = false;
      await watching;
      return { lateAnswers, slowestMs, peakMib };
    },
  };
}

/** From /proc, so 0 where there is none. */
function residentMib(pid: number | undefined): number {
  try {
    const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
}
