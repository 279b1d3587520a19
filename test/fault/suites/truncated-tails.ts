import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { checkHistory, VIOLATIONS } from "../../support/history-checker.ts";
import type { RedisServer } from "../../support/redis.ts";
import { LOCK_TTL_MS, openFile } from "../support/backing.ts";
import type { Scene, Suite } from "../support/suite.ts";
import { type Sendable, sendable, settle, WORLDS } from "../support/workload.ts";

const RUNS_PER_ROUND = 12;
const MOST_BYTES = 4_096;

/**
 * The end of the file that holds the newest commits is missing, as after a power loss on a disk that lied. What is left
 * is a clean prefix of the history: no commit by halves. Killing processes cannot show this: what they wrote is in the
 * system's memory.
 */
export const truncatedTails: Suite = {
  name: "truncated-tails",
  kinds: ["redis", "sqlite"],
  async play(scene) {
    const { rounds, backing } = scene;
    let cut = 0;
    for (let round = 0; round < rounds; round++) {
      const runs = await commitSome(scene, round);
      cut += backing.redis
        ? await cutAppendOnlyFile(scene, backing.redis, runs)
        : await cutWriteAheadLog(scene);
    }
    return { truncations: rounds, commits_cut: cut };
  },
};

async function commitSome(scene: Scene, round: number): Promise<Sendable[]> {
  const { random, problem } = scene;
  const runs = Array.from({ length: RUNS_PER_ROUND }, (_, i) =>
    sendable({
      runId: `tail-${round}-${i}`,
      rpc: i % 4 === 3 ? "ApplyRebalance" : "UpsertAllocations",
      shares: new Map(
        random.some(WORLDS, random.between(1, 3)).map((world) => [world, random.between(0, 100)]),
      ),
      etags: new Map(),
    }),
  );
  await send(scene, runs);
  if (runs.length === 0) problem("nothing was sent");
  return runs;
}

async function send(scene: Scene, runs: readonly Sendable[]): Promise<void> {
  const caller = { ...scene, members: scene.fleet.members };
  for (const seen of await Promise.all(runs.map((run) => settle(caller, run)))) {
    if (seen?.verdict !== "ok") scene.problem(`${seen?.run.runId} was answered ${seen?.reason}`);
  }
}

/** Cuts, restarts, judges what is left, and sends again what was cut off. */
async function cutAppendOnlyFile(
  scene: Scene,
  redis: RedisServer,
  runs: readonly Sendable[],
): Promise<number> {
  const { backing, random, history } = scene;
  const before = await hashesOf(await backing.open());
  await redis.kill();
  const folder = join(redis.dir, "appendonlydir");
  const newest =
    readdirSync(folder)
      .filter((name) => name.endsWith(".incr.aof"))
      .sort()
      .at(-1) ?? "";
  cutTail(join(folder, newest), random.between(1, MOST_BYTES));
  await redis.restart(); // refuses the torn file, is repaired, and starts
  const left = await expectPrefix(scene, await backing.open(), before);
  const cutOff = new Set(runs.map(({ run }) => run.runId));
  history.forget(cutOff);
  await send(scene, runs);
  return before.length - left;
}

/** Cuts a copy: the server goes on with the whole file. */
async function cutWriteAheadLog(scene: Scene): Promise<number> {
  const { backing, random, fleet } = scene;
  const folder = mkdtempSync(join(tmpdir(), "ws-chaos-tail-"));
  const [whole, part] = [join(folder, "whole.db"), join(folder, "part.db")];
  try {
    const [server] = fleet.members();
    server?.pause();
    for (const copy of [whole, part]) {
      copyFileSync(backing.file, copy);
      copyFileSync(`${backing.file}-wal`, `${copy}-wal`);
    }
    server?.resume();
    const before = await hashesOf(await openFile(whole));
    cutTail(`${part}-wal`, random.between(1, MOST_BYTES * 4));
    return before.length - (await expectPrefix(scene, await openFile(part), before));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cutTail(file: string, bytes: number): void {
  truncateSync(file, Math.max(0, statSync(file).size - bytes));
}

/** The chain hash of every commit. */
async function hashesOf(opened: OpenedStore): Promise<string[]> {
  try {
    return (await opened.log.readAfter(0, 1_000_000)).map(({ hash }) => hash);
  } finally {
    await opened.close();
  }
}

/** How many commits are left; all of them must be as they were, and the state must be what they fold to. */
async function expectPrefix(scene: Scene, opened: OpenedStore, before: readonly string[]): Promise<number> {
  const { history, problem } = scene;
  try {
    const found = await checkHistory(opened, history, { lockTtlMs: LOCK_TTL_MS });
    for (const violation of VIOLATIONS) {
      if (violation !== "lost" && found[violation] > 0) problem(`a cut tail: ${found.details.join("; ")}`);
    }
    const left = (await opened.log.readAfter(0, 1_000_000)).map(({ hash }) => hash);
    if (left.some((hash, i) => hash !== before[i])) problem("what is left is no prefix of what was");
    return left.length;
  } finally {
    await opened.close();
  }
}
