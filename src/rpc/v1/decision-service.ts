import type { ServiceImpl } from "@connectrpc/connect";
import type { DecisionService, EvaluationInput } from "#gen/worldservice/v1/decision_service_pb.ts";
import { decide } from "../../orchestration/evaluate/decide.ts";
import { evaluateWorld } from "../../orchestration/evaluate/evaluate-world.ts";
import { recordHistory } from "../../orchestration/evaluate/record-history.ts";
import type { WriteDeps } from "../../orchestration/shared/deps.ts";
import { callOptions } from "../call-options.ts";
import { callerOf } from "../principal.ts";
import {
  fromEvaluation,
  fromHistoryEntry,
  fromTime,
  toDecideResponse,
  toEvaluateResponse,
} from "./convert-decisions.ts";

type Methods = Pick<ServiceImpl<typeof DecisionService>, "evaluate" | "decide" | "recordHistory">;

/** The judging part of `worldservice.v1.DecisionService`; decisions and bindings are kept by another. */
export function judgingMethodsV1(deps: WriteDeps): Methods {
  return {
    async evaluate(request) {
      return toEvaluateResponse(await evaluateWorld(deps, request.worldId, fromEvaluation(request, "")));
    },
    async decide({ worldId, asOf }, context) {
      const call = { worldId, asOfMs: fromTime(asOf, "as_of"), caller: callerOf(context) };
      return toDecideResponse(worldId, await decide(deps, call, callOptions(context)));
    },
    async recordHistory({ worldId, entries }, context) {
      const facts = entries.map((entry, i) => fromHistoryEntry(entry, `entries[${i}]`));
      const call = { worldId, facts, caller: callerOf(context) };
      return { recorded: await recordHistory(deps, call, callOptions(context)) };
    },
  };
}

/** Which strategies the world's policy, or the one given, makes active: the target `evaluation` of ApplyWorld. */
export function evaluateTargetV1(
  deps: WriteDeps,
): (worldId: string, input: EvaluationInput) => Promise<readonly string[]> {
  return async (worldId, input) => {
    const { active } = await evaluateWorld(deps, worldId, fromEvaluation(input, "evaluation"));
    return active;
  };
}
