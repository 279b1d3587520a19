import { setTimeout as sleep } from "node:timers/promises";
import type { FaultPoint } from "../../support/faults.ts";
import type { RedisServer } from "../../support/redis.ts";
import type { Member } from "../support/fleet.ts";
import type { Scene, Suite } from "../support/suite.ts";
import { attempt, type Sendable, sendable, settle, WORLDS } from "../support/workload.ts";

/** Where the call is when Redis goes, and what it must be told. */
interface Outage {
  readonly name: string;
  /** undefined = before the call. */
  readonly point: FaultPoint | undefined;
  readonly isStalled: boolean;
  readonly expected: "ok" | "UNAVAILABLE";
}

const OUTAGES: readonly Outage[] = [
  { name: "gone before", point: undefined, isStalled: false, expected: "UNAVAILABLE" },
  { name: "gone before the locks", point: "acquire:begin", isStalled: false, expected: "UNAVAILABLE" },
  { name: "gone during", point: "compute_and_save:begin", isStalled: false, expected: "UNAVAILABLE" },
  { name: "gone at the commit", point: "commit:send", isStalled: false, expected: "UNAVAILABLE" },
  { name: "gone after", point: "commit:acked", isStalled: false, expected: "ok" },
  { name: "stalled before", point: undefined, isStalled: true, expected: "UNAVAILABLE" },
  { name: "stalled at the commit", point: "commit:send", isStalled: true, expected: "UNAVAILABLE" },
];

/**
 * Redis goes away before, during and after the commit. Calls end with UNAVAILABLE within their deadline, nothing is half
 * done, and the same servers serve again when it is back.
 */
export const storeOutage: Suite = {
  name: "store-outage",
  kinds: ["redis"],
  async play(scene) {
    const { rounds, problem, fleet, backing } = scene;
    const { redis } = backing;
    if (redis === undefined) throw new Error("this suite is about Redis");
    const atFirst = fleet.members();
    for (let round = 0; round < rounds; round++) await playRound(scene, redis, round);
    const atLast = fleet.members();
    if (atFirst.some((member, i) => member !== atLast[i])) problem("a server did not live through it");
    return { outages: rounds };
  },
};

async function playRound(scene: Scene, redis: RedisServer, round: number): Promise<void> {
  const { problem, fleet, random } = scene;
  const outage = OUTAGES[round % OUTAGES.length] as Outage;
  const rpc = round % 2 === 0 ? "UpsertAllocations" : "ApplyRebalance";
  const shares = new Map([[random.pick(WORLDS), random.between(1, 100)]]);
  const toSend = sendable({ runId: `outage-${round}`, rpc, shares, etags: new Map() });
  const told = await callThrough(scene, redis, outage, toSend);
  if (told !== outage.expected) problem(`${outage.name}: ${rpc} was answered ${told}`);
  const again = await settle({ ...scene, members: fleet.members }, toSend);
  if (again?.verdict !== "ok") problem(`${outage.name}: the repeat was answered ${again?.reason}`);
  if (outage.expected === "ok" && !again?.replayed) problem(`${outage.name}: the run was done twice`);
}

async function callThrough(
  scene: Scene,
  redis: RedisServer,
  outage: Outage,
  toSend: Sendable,
): Promise<string> {
  const member = scene.random.pick(scene.fleet.members());
  await servesAgain(scene, member, `before-${toSend.run.runId}`);
  const gone = () => (outage.isStalled ? redis.pause() : redis.kill());
  const seen = await (outage.point === undefined
    ? after(gone, () => attempt(scene, member, toSend))
    : whileHeld(scene, member, outage.point, toSend, gone));
  if (outage.isStalled) redis.resume();
  else await redis.restart();
  if (seen.verdict === "ok") return "ok";
  return seen.reason === "STORE_UNAVAILABLE" ? "UNAVAILABLE" : seen.reason;
}

/** Every server comes back by itself, also one that nobody called meanwhile. */
async function servesAgain(scene: Scene, member: Member, runId: string): Promise<void> {
  const shares = new Map([["world-0", 1]]);
  const probe = sendable({ runId, rpc: "UpsertAllocations", shares, etags: new Map() });
  const seen = await settle({ ...scene, members: () => [member] }, probe);
  if (seen?.verdict !== "ok") scene.problem(`${member.name} does not serve again: ${seen?.reason}`);
}

async function after<T>(gone: () => void | Promise<void>, call: () => Promise<T>): Promise<T> {
  await gone();
  await sleep(20);
  return call();
}

async function whileHeld(
  scene: Scene,
  member: Member,
  point: FaultPoint,
  toSend: Sendable,
  gone: () => void | Promise<void>,
) {
  await member.arm({ point, action: "hold", skip: 0 });
  const struck = member.reached();
  const seen = attempt(scene, member, toSend);
  await struck;
  await gone();
  member.go();
  return seen;
}
