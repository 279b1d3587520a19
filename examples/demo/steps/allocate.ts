import { equals } from "@bufbuild/protobuf";
import {
  type GetAllocationsResponse,
  type UpsertAllocationsResponse,
  UpsertAllocationsResponseSchema,
} from "#gen/worldservice/v2/allocation_service_pb.ts";
import { fact, refused } from "../facts.ts";
import { heading, percent, printTable } from "../output.ts";
import { sortedEntries } from "../plans.ts";
import type { Stage } from "../stage.ts";

const OPENING_RUN = "allocations-opening";
export const MOVING_RUN = "allocations-2026-q1";

function requests(stage: Stage) {
  const { positions, worldAllocBefore, worldAllocAfter, totalEquity, lotSizeBySymbol } =
    stage.portfolios.sectors.v2;
  const common = { totalEquity, positions, lotSizeBySymbol, schemaVersion: 2 };
  return {
    opening: { ...common, runId: OPENING_RUN, worldAllocations: worldAllocBefore },
    moving: { ...common, runId: MOVING_RUN, worldAllocations: worldAllocAfter },
  };
}

/** Moves capital between worlds. The second sending of the same call is `replayed`, and changes nothing. */
export async function moveCapital(stage: Stage): Promise<UpsertAllocationsResponse> {
  heading("Allocations: capital moves between worlds");
  const { allocationsV2 } = stage.clients();
  const { opening, moving } = requests(stage);
  await allocationsV2.upsertAllocations(opening);
  await stage.follower.cut();
  const first = await allocationsV2.upsertAllocations(moving);
  const plans = Object.values(first.plan?.perWorld ?? {});
  const trades = plans.length === 4 && plans.every(({ deltas }) => deltas.length > 0);
  fact("the run is new, and plans trades from the stored shares to the new ones", !first.replayed && trades);
  await repeatMove(stage, first);
  const beyond = {
    ...opening,
    runId: "one-world-too-many",
    worldAllocations: { "global-60-40": 0.1 },
    positions: [],
  };
  const call = () => allocationsV2.upsertAllocations(beyond);
  await refused("a book above 100 % is refused", "ALLOCATION_SUM_EXCEEDED", call);
  await stage.follower.resume(stage.clients());
  const { revision } = await allocationsV2.getAllocationRun({ runId: MOVING_RUN });
  await stage.follower.reach(revision);
  showAllocations(await allocationsV2.getAllocations({}));
  return first;
}

/**
 * Sends the move again, as a caller does who does not know whether the first one arrived.
 *
 * @param expected the answer given before.
 */
export async function repeatMove(stage: Stage, expected: UpsertAllocationsResponse): Promise<void> {
  const again = await stage.clients().allocationsV2.upsertAllocations(requests(stage).moving);
  const same = equals(UpsertAllocationsResponseSchema, { ...again, replayed: expected.replayed }, expected);
  fact("the same call again is replayed, with the same answer", again.replayed && same);
}

export function showAllocations({ allocations }: GetAllocationsResponse): void {
  const rows = sortedEntries(allocations).map(([worldId, { allocation, runId, etag }]) => [
    worldId,
    percent(allocation),
    runId,
    `${etag.slice(0, 19)}…`,
  ]);
  printTable("GetAllocations", ["world", "share>", "set by run", "etag"], rows);
}
