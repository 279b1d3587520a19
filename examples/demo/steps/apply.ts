import { equals } from "@bufbuild/protobuf";
import { ApplyRebalanceResponseSchema as ResponseV1Schema } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { ApplyRebalanceResponseSchema as ResponseV2Schema } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { fact, refused } from "../facts.ts";
import { heading, printTable } from "../output.ts";
import type { Stage } from "../stage.ts";

/** Fixes approved plans under run ids: v1, v2 scaling and v2 hybrid. A repeat replays, another request is refused. */
export async function applyPlans(stage: Stage): Promise<void> {
  heading("Apply: approved plans become runs");
  await applyV1(stage);
  await applyV2(stage);
  await listRuns(stage);
}

async function applyV1(stage: Stage): Promise<void> {
  const { rebalanceV1 } = stage.clients();
  const { sectors, balanced } = stage.portfolios;
  const call = { runId: "sectors-2026-q1", rebalance: sectors.v1 };
  const first = await rebalanceV1.applyRebalance(call);
  fact("v1: the run is new", !first.replayed && first.plan?.schemaVersion === 1);
  const again = await rebalanceV1.applyRebalance(call);
  fact("v1: the same call again replays it", again.replayed);
  fact("v1: with the same plan and etag", equals(ResponseV1Schema, { ...again, replayed: false }, first));
  const other = { ...call, rebalance: balanced.v1 };
  await refused("v1: another request under its id is refused", "RUN_ID_REUSED", () =>
    rebalanceV1.applyRebalance(other),
  );
  const { run } = await rebalanceV1.getRebalanceRun({ runId: call.runId });
  await stage.follower.reach(run?.revision ?? 0n);
}

async function applyV2(stage: Stage): Promise<void> {
  const { rebalanceV2 } = stage.clients();
  const { balanced, perpetuals } = stage.portfolios;
  const runs = [
    { runId: "balanced-2026-q1", rebalance: balanced.v2 },
    { runId: "perpetuals-2026-01-02", rebalance: perpetuals.variant ?? perpetuals.v2 },
  ];
  for (const call of runs) {
    const first = await rebalanceV2.applyRebalance(call);
    const mode = call.rebalance.mode.case ?? "scaling";
    fact(`v2, ${mode}: the run is new`, !first.replayed && first.plan?.schemaVersion === 2);
    const again = await rebalanceV2.applyRebalance(call);
    const same = equals(ResponseV2Schema, { ...again, replayed: false }, first);
    fact(`v2, ${mode}: the same call again replays it`, again.replayed && same);
    const { run } = await rebalanceV2.getRebalanceRun({ runId: call.runId });
    await stage.follower.reach(run?.revision ?? 0n);
  }
}

async function listRuns(stage: Stage): Promise<void> {
  const { runs } = await stage.clients().rebalanceV2.listRebalanceRuns({});
  const rows = runs.map(({ runId, schemaVersion, revision, etag }) => [
    runId,
    String(schemaVersion),
    String(revision),
    `${etag.slice(0, 19)}…`,
  ]);
  printTable("Runs, newest first", ["run", "schema version>", "revision>", "etag"], rows);
  fact("three runs are recorded, each once", runs.length === 3, runs.length);
}
