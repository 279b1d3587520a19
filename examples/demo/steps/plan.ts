import { equals } from "@bufbuild/protobuf";
import {
  type RebalancePlan as PlanV1,
  RebalancePlanSchema as PlanV1Schema,
  RebalanceService as RebalanceServiceV1,
} from "#gen/worldservice/v1/rebalance_service_pb.ts";
import {
  type RebalancePlan as PlanV2,
  RebalancePlanSchema as PlanV2Schema,
  type RebalanceRequest as RequestV2,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { callWithGrpcJs } from "../clients.ts";
import { DemoFailure, fact } from "../facts.ts";
import { heading, say } from "../output.ts";
import {
  checkAlphaMetrics,
  checkDeltas,
  checkHybrid,
  checkNothingVanished,
  checkOverlay,
} from "../plan-facts.ts";
import { showPlan } from "../plans.ts";
import { holdingsOf, type Portfolio } from "../portfolios.ts";
import type { Stage } from "../stage.ts";

/** Every portfolio planned by v1 and by v2, and in overlay and hybrid mode where it comes with one. Nothing is written. */
export async function planPortfolios(stage: Stage): Promise<void> {
  for (const portfolio of Object.values(stage.portfolios) as Portfolio[])
    await planPortfolio(stage, portfolio);
}

async function planPortfolio(stage: Stage, portfolio: Portfolio): Promise<void> {
  heading(`Plan: ${portfolio.title}`);
  checkSamePositions(portfolio);
  await planV1(stage, portfolio);
  say("\nworldservice.v2, scaling");
  const scaling = await planV2(stage, portfolio.v2);
  checkDeltas(portfolio.v2, scaling);
  checkNothingVanished(portfolio.v2, scaling);
  checkAlphaMetrics(portfolio.v2, scaling);
  if (portfolio.variant !== undefined) await planVariant(stage, portfolio.variant);
}

function checkSamePositions({ v1, v2, csv }: Portfolio): void {
  const rows = JSON.stringify(holdingsOf(v1));
  const form = v2.positionTable === undefined ? "rows" : "columns";
  fact(`v1 rows and v2 ${form} hold the same positions`, JSON.stringify(holdingsOf(v2)) === rows);
  if (csv !== undefined) fact("and so does the CSV file", JSON.stringify(csv) === rows);
}

async function planV1(stage: Stage, { v1 }: Portfolio): Promise<void> {
  say("\nworldservice.v1, scaling");
  const { plan } = await stage.clients().rebalanceV1.planRebalance({ rebalance: v1 });
  const method = RebalanceServiceV1.method.planRebalance;
  const independent = await callWithGrpcJs(stage.address(), method, { rebalance: v1 });
  const given = required<PlanV1>(plan);
  showPlan(v1, given);
  fact("the answer is schema version 1", given.schemaVersion === 1, given.schemaVersion);
  fact("grpc-js gets the same plan", equals(PlanV1Schema, given, required<PlanV1>(independent.plan)));
  checkDeltas(v1, given);
}

/** Plans twice: a plan depends on its request alone. */
async function planV2(stage: Stage, request: RequestV2): Promise<PlanV2> {
  const { rebalanceV2 } = stage.clients();
  const plan = required<PlanV2>((await rebalanceV2.planRebalance({ rebalance: request })).plan);
  const again = required<PlanV2>((await rebalanceV2.planRebalance({ rebalance: request })).plan);
  showPlan(request, plan);
  fact("the answer is schema version 2", plan.schemaVersion === 2 && !plan.downgraded);
  fact("the same request gives the same plan", equals(PlanV2Schema, plan, again));
  fact("the intent comes back unchanged", sameIntent(request, plan), plan.rebalanceIntent);
  return plan;
}

function sameIntent(request: RequestV2, plan: PlanV2): boolean {
  return JSON.stringify(request.rebalanceIntent?.meta) === JSON.stringify(plan.rebalanceIntent?.meta);
}

async function planVariant(stage: Stage, request: RequestV2): Promise<void> {
  say(`\nworldservice.v2, ${request.mode.case}`);
  const plan = await planV2(stage, request);
  if (request.mode.case === "hybrid") checkHybrid(request, plan);
  else checkOverlay(request, plan);
}

function required<T>(plan: T | undefined): T {
  if (plan === undefined) throw new DemoFailure("the server answered without a plan");
  return plan;
}
