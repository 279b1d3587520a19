import { FAULT_POINTS } from "../../support/faults.ts";
import type { Suite } from "../support/suite.ts";
import { within } from "../support/within.ts";
import { startLoad } from "../support/workload.ts";

/** A server dies by its own hand at each edge of each stage in turn, under load; its callers go to another. */
export const stageKills: Suite = {
  name: "stage-kills",
  kinds: ["redis", "sqlite"],
  spares: 1,
  async play({ fleet, history, random, rounds, problem }) {
    const load = startLoad({ history, random, members: fleet.members, callers: 6, thinkMs: 4 });
    for (let kill = 0; kill < rounds; kill++) {
      await fleet.whole();
      const victim = random.pick(fleet.members());
      const point = FAULT_POINTS[kill % FAULT_POINTS.length] ?? "acquire:begin";
      await victim.arm({ point, action: "kill", skip: random.between(0, 6) });
      if (!(await within(20_000, victim.gone()))) {
        problem(`${victim.name} never passed ${point}`);
        await victim.kill();
      }
    }
    const unsettled = await load.drain();
    if (unsettled > 0) problem(`${unsettled} runs were never answered`);
    return { kills: rounds, runs: load.settled() };
  },
};
