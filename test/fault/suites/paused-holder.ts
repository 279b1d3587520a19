import { setTimeout as sleep } from "node:timers/promises";
import type { FaultPoint } from "../../support/faults.ts";
import { LOCK_TTL_MS } from "../support/backing.ts";
import type { Member } from "../support/fleet.ts";
import type { Scene, Suite } from "../support/suite.ts";
import { attempt, type Sendable, sendable, settle, WORLDS } from "../support/workload.ts";

const POINTS: readonly FaultPoint[] = ["acquire:end", "compute_and_save:begin", "commit:send"];
/** More than a holder's pause and the other's commit take. */
const PATIENT_MS = 20_000;

/**
 * A holder stands still past the time of its lock; another commits; the holder goes on with what it had in hand. Its
 * commit must change nothing and tell so. Every second call is an ApplyRebalance, which expects no version of anything:
 * the fence alone stands in its way.
 */
export const pausedHolder: Suite = {
  name: "paused-holder",
  kinds: ["redis", "sqlite"],
  async play(scene) {
    const { rounds, problem } = scene;
    let fenced = 0;
    for (let round = 0; round < rounds; round++) {
      const [late, other] = contenders(round);
      const seen = await overtake(scene, POINTS[round % POINTS.length] ?? "commit:send", late, other);
      if (seen.reason === "LOCK_LOST") fenced++;
      else problem(`an overtaken ${late.run.rpc} was answered ${seen.reason || "ok"}`);
      const again = await settle({ ...scene, members: scene.fleet.members }, late);
      if (again?.verdict !== "ok") problem(`${late.run.runId} did not succeed afterwards: ${again?.reason}`);
    }
    return { stops: rounds, fenced };
  },
};

function contenders(round: number): [Sendable, Sendable] {
  const rpc = round % 2 === 0 ? "UpsertAllocations" : "ApplyRebalance";
  const world = WORLDS[round % WORLDS.length] ?? "world-0";
  const make = (name: string, share: number) =>
    sendable({ runId: `${name}-${round}`, rpc, shares: new Map([[world, share]]), etags: new Map() });
  return [make("late", 50), make("other", 60)];
}

/** The late one is held up with its locks taken until the other has been answered; returns what it heard. */
async function overtake(scene: Scene, point: FaultPoint, late: Sendable, other: Sendable) {
  const [first, second] = twoMembers(scene);
  const isHere = first === second;
  // In a process of its own it stops dead. Alone it waits for a word, and the whole process stands still meanwhile.
  await first.arm({ point, action: isHere ? "hold" : "stop", skip: 0 });
  const struck = first.reached();
  const lateSeen = attempt(scene, first, late, PATIENT_MS);
  await struck;
  const otherSeen = attempt(scene, second, other, PATIENT_MS);
  if (isHere) {
    await sleep(100); // until the other waits for the lock
    first.pause();
    await sleep(LOCK_TTL_MS * 1.5);
    first.resume();
  }
  const { verdict, reason } = await otherSeen;
  if (verdict !== "ok") scene.problem(`nobody else could commit: ${reason}`);
  if (isHere) first.go();
  else first.resume();
  return lateSeen;
}

function twoMembers({ fleet, random }: Scene): [Member, Member] {
  const first = random.pick(fleet.members());
  const others = fleet.members().filter((member) => member !== first);
  return [first, others.length > 0 ? random.pick(others) : first];
}
