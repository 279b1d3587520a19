import { equals } from "@bufbuild/protobuf";
import {
  type GetAllocationsResponse,
  GetAllocationsResponseSchema,
  type UpsertAllocationsResponse,
} from "#gen/worldservice/v2/allocation_service_pb.ts";
import { fact } from "../facts.ts";
import { heading } from "../output.ts";
import type { Stage } from "../stage.ts";
import { repeatMove, showAllocations } from "./allocate.ts";

const LAST_RUN = "allocations-before-the-cut";

/** The server ends twice, in order and by force: what it acknowledged is there again afterwards. */
export async function surviveRestarts(stage: Stage, moved: UpsertAllocationsResponse): Promise<void> {
  heading("Restart in order (SIGTERM)");
  const before = await read(stage);
  await stage.restart("SIGTERM");
  fact("the allocations read back equal", equals(GetAllocationsResponseSchema, await read(stage), before));
  await repeatMove(stage, moved);

  heading("Restart by force (kill -9)");
  const { allocationsV2 } = stage.clients();
  const { sectors } = stage.portfolios;
  const { totalEquity, worldAllocBefore: worldAllocations } = sectors.v2;
  const call = { runId: LAST_RUN, totalEquity, worldAllocations, schemaVersion: 2 };
  const { etagByWorld } = await allocationsV2.upsertAllocations(call);
  await stage.restart("SIGKILL");
  const after = await read(stage);
  const etags = Object.entries(etagByWorld);
  const kept = etags.every(([worldId, etag]) => after.allocations[worldId]?.etag === etag);
  fact("what was acknowledged the moment before is there", etags.length === 4 && kept, after.allocations);
  const { replayed } = await stage.clients().allocationsV2.upsertAllocations(call);
  fact("and sending it again is replayed", replayed);
  const { revision } = await stage.clients().allocationsV2.getAllocationRun({ runId: LAST_RUN });
  await stage.follower.reach(revision);
  showAllocations(after);
}

/** `stale` tells the age of a snapshot and changes while the demo runs. */
async function read(stage: Stage): Promise<GetAllocationsResponse> {
  const answer = await stage.clients().allocationsV2.getAllocations({});
  for (const snapshot of Object.values(answer.allocations)) snapshot.stale = false;
  return answer;
}
