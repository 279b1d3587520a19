import type { Suite } from "../support/suite.ts";
import { attempt, sendable, WORLDS } from "../support/workload.ts";

const SHARE = 200;
const FITTING = 1_000 / SHARE;

/** Every world asks for a fifth of the book at once: five may have it, and no lock is common to any two of them. */
export const budgetRaces: Suite = {
  name: "budget-races",
  kinds: ["redis", "sqlite"],
  async play(scene) {
    const { rounds, problem, fleet, random } = scene;
    let refused = 0;
    const setAll = (name: string, share: number) =>
      Promise.all(
        WORLDS.map((world) => {
          const run = {
            runId: `${name}-${world}`,
            rpc: "UpsertAllocations" as const,
            etags: new Map<string, string>(),
          };
          const toSend = sendable({ ...run, shares: new Map([[world, share]]) });
          return attempt(scene, random.pick(fleet.members()), toSend);
        }),
      );
    for (let round = 0; round < rounds; round++) {
      const seen = await setAll(`fill-${round}`, SHARE);
      const filled = seen.filter(({ verdict }) => verdict === "ok").length;
      refused += seen.filter(({ reason }) => reason === "ALLOCATION_SUM_EXCEEDED").length;
      if (filled !== FITTING) problem(`round ${round}: ${filled} of ${FITTING} fitting worlds were filled`);
      const emptied = await setAll(`empty-${round}`, 0);
      if (emptied.some(({ verdict }) => verdict !== "ok"))
        problem(`round ${round}: could not empty the book`);
    }
    return { rounds, refused };
  },
};
