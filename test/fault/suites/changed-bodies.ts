import type { Run } from "../../support/history.ts";
import type { Suite } from "../support/suite.ts";
import { attempt, sendable, WORLDS } from "../support/workload.ts";

const BODIES = 12;
const PATIENT_MS = 30_000;

/**
 * One run id, many requests that differ in worlds, shares or RPC, at once: one of them is the run, all others are
 * refused, then and later. Those on different worlds do not meet at any lock.
 */
export const changedBodies: Suite = {
  name: "changed-bodies",
  kinds: ["redis", "sqlite"],
  async play(scene) {
    const { rounds, problem, fleet, random } = scene;
    let reused = 0;
    for (let round = 0; round < rounds; round++) {
      const bodies = Array.from({ length: BODIES }, (_, body) => sendable(runOf(round, body)));
      const send = () =>
        Promise.all(bodies.map((body) => attempt(scene, random.pick(fleet.members()), body, PATIENT_MS)));
      const winners = new Set<number>();
      for (const seen of [...(await send()).entries(), ...(await send()).entries()]) {
        const [body, { verdict, reason }] = seen;
        if (verdict === "ok") winners.add(body);
        else if (reason === "RUN_ID_REUSED") reused++;
        else problem(`round ${round}: body ${body} was answered ${reason}`);
      }
      if (winners.size !== 1) problem(`round ${round}: ${winners.size} bodies were acknowledged`);
    }
    return { rounds, reused };
  },
};

function runOf(round: number, body: number): Run {
  const rpc = body % 4 === 3 ? "ApplyRebalance" : "UpsertAllocations";
  const world = WORLDS[body % WORLDS.length] ?? "world-0";
  return { runId: `taken-${round}`, rpc, shares: new Map([[world, 1 + body]]), etags: new Map() };
}
