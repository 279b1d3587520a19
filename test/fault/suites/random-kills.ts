import { setTimeout as sleep } from "node:timers/promises";
import type { Scene, Suite } from "../support/suite.ts";
import { until } from "../support/within.ts";
import { startLoad } from "../support/workload.ts";

/** Every so many kills hit Redis instead of a server. */
const REDIS_SHARE = 0.2;
const DOWN_MS = [20, 200] as const;

/** Servers, and Redis under them, die at moments nobody chose. */
export const randomKills: Suite = {
  name: "random-kills",
  kinds: ["redis", "sqlite"],
  spares: 1,
  async play(scene) {
    const { fleet, history, random, rounds, problem } = scene;
    const load = startLoad({ history, random, members: fleet.members, callers: 8, thinkMs: 3 });
    const kills = { servers: 0, redis: 0 };
    for (let kill = 0; kill < rounds; kill++) {
      const before = load.settled();
      await until("calls are answered again", () => load.settled() > before + 3);
      await sleep(random.between(0, 60));
      kills[await strike(scene)]++;
    }
    const unsettled = await load.drain();
    if (unsettled > 0) problem(`${unsettled} runs were never answered`);
    return { kills: rounds, redis_kills: kills.redis, runs: load.settled() };
  },
};

async function strike({ backing: { redis }, fleet, random }: Scene): Promise<"servers" | "redis"> {
  if (redis !== undefined && random.next() < REDIS_SHARE) {
    await redis.kill();
    await sleep(random.between(...DOWN_MS));
    await redis.restart();
    return "redis";
  }
  await until("a server serves", () => fleet.members().length > 0);
  await random.pick(fleet.members()).kill();
  return "servers";
}
