import type { FaultPoint } from "../../support/faults.ts";
import { openClient } from "../../support/wire-client.ts";
import { startProxy } from "../support/proxy.ts";
import type { Scene, Suite } from "../support/suite.ts";
import { attempt, type Sendable, sendable, settle, WORLDS } from "../support/workload.ts";

/** Most cuts come after the commit and before the answer; some while the call is still on its way there. */
const POINTS: readonly FaultPoint[] = ["commit:acked", "compute_and_save:end", "commit:acked", "commit:send"];

/** The connection breaks between commit and answer; the caller sends the same request again, to whoever serves. */
export const cutReplies: Suite = {
  name: "cut-replies",
  kinds: ["redis", "sqlite"],
  async play(scene) {
    let replayed = 0;
    for (let round = 0; round < scene.rounds; round++) if (await playRound(scene, round)) replayed++;
    return { cuts: scene.rounds, replayed };
  },
};

/** @returns whether the repeat was replayed. */
async function playRound(scene: Scene, round: number): Promise<boolean> {
  const { problem, fleet, random } = scene;
  const point = POINTS[round % POINTS.length] ?? "commit:acked";
  const rpc = round % 3 === 2 ? "ApplyRebalance" : "UpsertAllocations";
  const shares = new Map([[random.pick(WORLDS), random.between(1, 100)]]);
  const toSend = sendable({ runId: `cut-${round}`, rpc, shares, etags: new Map() });
  const { verdict } = await sendAndCut(scene, point, toSend);
  if (verdict !== "unknown") problem(`round ${round}: an answer came through the cut: ${verdict}`);
  const again = await settle({ ...scene, members: fleet.members }, toSend);
  if (again?.verdict !== "ok") problem(`round ${round}: the repeat was answered ${again?.reason}`);
  const isReplayed = again?.replayed === true;
  if (!isReplayed && point !== "commit:send") problem(`round ${round}: a committed run was not replayed`);
  return isReplayed;
}

async function sendAndCut(scene: Scene, point: FaultPoint, toSend: Sendable) {
  const member = scene.random.pick(scene.fleet.members());
  const proxy = await startProxy(member.port);
  const client = openClient(proxy.port);
  try {
    await member.arm({ point, action: "hold", skip: 0 });
    const struck = member.reached();
    const seen = attempt(scene, { client }, toSend);
    await struck;
    proxy.cut();
    const outcome = await seen;
    member.go();
    return outcome;
  } finally {
    client.close();
    await proxy.close();
  }
}
