import type { Suite } from "../support/suite.ts";
import { attempt, type Sendable, sendable, settle, WORLDS } from "../support/workload.ts";

const RACERS = 6;

/**
 * Several callers change the same world from the same etag at once: one succeeds. The servers read what they start from
 * before they hold the lock, as with a lock service apart from the store: the commit's own check has to find it out.
 */
export const etagRaces: Suite = {
  name: "etag-races",
  kinds: ["redis", "sqlite"],
  earlyContext: true,
  async play(scene) {
    const { rounds, problem, fleet } = scene;
    const caller = { ...scene, members: fleet.members };
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      const world = WORLDS[round % WORLDS.length] ?? "world-0";
      const start = await settle(caller, change(`start-${round}`, world, 1, undefined));
      const etag = start?.etagByWorld[world];
      const members = fleet.members();
      const seen = await Promise.all(
        Array.from({ length: RACERS }, (_, racer) => {
          const member = members[racer % members.length];
          if (member === undefined) throw new Error("no server serves");
          return attempt(scene, member, change(`race-${round}-${racer}`, world, 2 + racer, etag));
        }),
      );
      const winners = seen.filter(({ verdict }) => verdict === "ok").length;
      refused += seen.filter(({ reason }) => reason === "ETAG_MISMATCH").length;
      if (winners !== 1) problem(`round ${round}: ${winners} callers changed the same etag`);
      if (winners + refused < 1) problem(`round ${round}: nobody was answered`);
    }
    return { rounds, refused };
  },
};

function change(runId: string, world: string, share: number, etag: string | undefined): Sendable {
  const etags = new Map(etag === undefined ? [] : [[world, etag] as const]);
  return sendable({ runId, rpc: "UpsertAllocations", shares: new Map([[world, share]]), etags });
}
