import type { Run } from "../../support/history.ts";
import type { Scene, Suite } from "../support/suite.ts";
import { type Answered, attempt, type Sendable, sendable, WORLDS } from "../support/workload.ts";

const COPIES = 200;
const PATIENT_MS = 30_000;

/** The same request many times at once, on all servers: one run, one set of events, one answer. */
export const duplicates: Suite = {
  name: "duplicates",
  kinds: ["redis", "sqlite"],
  async play(scene) {
    const { rounds, problem } = scene;
    for (let round = 0; round < rounds; round++) {
      const seen = await sendUntilAnswered(scene, runOf(round));
      const firsts = seen.filter(({ verdict, replayed }) => verdict === "ok" && !replayed).length;
      const refused = seen.filter(({ verdict }) => verdict !== "ok");
      if (firsts !== 1) problem(`round ${round}: ${firsts} of ${COPIES} say they were the first`);
      for (const { reason } of refused) problem(`round ${round}: a copy was answered ${reason}`);
    }
    return { rounds, copies: COPIES };
  },
};

function runOf(round: number): Run {
  const rpc = round % 2 === 0 ? "UpsertAllocations" : "ApplyRebalance";
  const shares = new Map(WORLDS.slice(0, 1 + (round % 3)).map((world, i) => [world, 10 * (round % 9) + i]));
  return { runId: `copied-${round}`, rpc, shares, etags: new Map() };
}

/** A server may refuse some of them as too many at once: they are sent again. */
async function sendUntilAnswered(scene: Scene, run: Run): Promise<Answered[]> {
  const toSend = sendable(run);
  const answered: Answered[] = [];
  while (answered.length < COPIES) {
    const seen = await sendAtOnce(scene, toSend, COPIES - answered.length);
    answered.push(...seen.filter(({ reason }) => reason !== "LIMIT_EXCEEDED"));
  }
  return answered;
}

function sendAtOnce(scene: Scene, toSend: Sendable, copies: number): Promise<Answered[]> {
  const members = scene.fleet.members();
  return Promise.all(
    Array.from({ length: copies }, (_, copy) => {
      const member = members[copy % members.length];
      if (member === undefined) throw new Error("no server serves");
      return attempt(scene, member, toSend, PATIENT_MS);
    }),
  );
}
