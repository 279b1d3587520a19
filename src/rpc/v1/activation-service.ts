import { type JsonObject as ProtoJson, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type {
  AbortApplyRequest,
  ActivationService,
  ApplyWorldRequest,
  FreezeWorldRequest,
} from "#gen/worldservice/v1/activation_service_pb.ts";
import { type EvaluationInput, EvaluationInputSchema } from "#gen/worldservice/v1/decision_service_pb.ts";
import { acknowledge } from "../../orchestration/activation/acknowledge.ts";
import {
  type FreezeCall,
  freeze,
  type Standing,
  unfreeze,
  upsert,
} from "../../orchestration/activation/activation-commands.ts";
import type { WorldDeps } from "../../orchestration/activation/deps.ts";
import { getActivation, listActivations } from "../../orchestration/activation/read-activations.ts";
import { type ApplyTarget, applyWorld } from "../../orchestration/apply-world/apply-world.ts";
import { abortApply, type OperatorCall, resumeApply } from "../../orchestration/apply-world/operators.ts";
import { getApply } from "../../orchestration/apply-world/read-applies.ts";
import { callOptions } from "../call-options.ts";
import { checkIds } from "../ids.ts";
import { assertIsCaller, callerOf } from "../principal.ts";
import {
  fromActivationPlan,
  fromSide,
  fromUpsertActivation,
  toActivationEntry,
  toApply,
  toApplyResponse,
} from "./convert-activation.ts";

/** The strategies that the world's policy, or the one given, makes of an input; those of DecisionService.Evaluate. */
export type EvaluateTarget = (
  worldId: string,
  input: EvaluationInput,
  context: HandlerContext,
) => Promise<readonly string[]>;

export interface ActivationServiceDeps extends WorldDeps {
  /** Undefined: applies with the target `evaluation` are not served. */
  readonly evaluate?: EvaluateTarget | undefined;
}

/** `worldservice.v1.ActivationService`. */
export function activationServiceV1(deps: ActivationServiceDeps): ServiceImpl<typeof ActivationService> {
  return {
    async upsertActivation(request, context) {
      const { worldId, runId, strategyId, etag } = request;
      checkIds({ world_id: worldId, strategy_id: strategyId, run_id: runId });
      const content = fromUpsertActivation(request);
      const call = { worldId, content, runId, etag, caller: callerOf(context) };
      const done = await upsert(deps, call, callOptions(context));
      return { ...toStanding(done), activation: toActivationEntry(done.entry) };
    },

    async getActivation({ worldId, strategyId, side }) {
      const entry = await getActivation(deps.store, worldId, strategyId, fromSide(side));
      return { activation: toActivationEntry(entry) };
    },

    async listActivations({ worldId }) {
      const list = await listActivations(deps.store, worldId);
      return {
        ...toStanding(list),
        activations: list.entries.map(toActivationEntry),
        frozen: list.isFrozen,
      };
    },

    async freezeWorld(request, context) {
      const done = await freeze(deps, freezeCall(request, context), callOptions(context));
      return { ...toStanding(done), changed: done.changed };
    },

    async unfreezeWorld(request, context) {
      const done = await unfreeze(deps, freezeCall(request, context), callOptions(context));
      return { ...toStanding(done), changed: done.changed };
    },

    async applyWorld(request, context) {
      const { worldId, runId, etag, unfreezeOnRollback } = request;
      checkIds({ world_id: worldId, run_id: runId });
      const target = targetOf(deps, request, context);
      const call = { worldId, runId, target, etag, unfreezeOnRollback, caller: callerOf(context) };
      return toApplyResponse(await applyWorld(deps, call, callOptions(context)));
    },

    async getApply({ worldId, runId }) {
      return { apply: toApply(await getApply(deps.store, worldId, runId)) };
    },

    async resumeApply(request, context) {
      return {
        apply: toApply(await resumeApply(deps, operatorCall(request, context), callOptions(context))),
      };
    },

    async abortApply(request, context) {
      return { apply: toApply(await abortApply(deps, operatorCall(request, context), callOptions(context))) };
    },

    async acknowledgeActivation(request, context) {
      const { worldId, subscriber, runId } = request;
      checkIds({ world_id: worldId, subscriber, run_id: runId });
      assertIsCaller(subscriber, "subscriber", context);
      // Beyond 2^53 nothing has been issued either; the sum is refused like any other sequence from the future.
      const sequence = Number(request.sequence);
      const call = { worldId, subscriber, sequence, runId, caller: callerOf(context) };
      const { acknowledged, latest } = await acknowledge(deps, call);
      return { acknowledgedSequence: BigInt(acknowledged), latestSequence: BigInt(latest) };
    },
  };
}

function toStanding({ version, sequence, stateHash }: Standing) {
  return { version: BigInt(version), sequence: BigInt(sequence), stateHash };
}

function freezeCall(request: Omit<FreezeWorldRequest, "$typeName">, context: HandlerContext): FreezeCall {
  const { worldId, runId, reason } = request;
  checkIds({ world_id: worldId, run_id: runId });
  return { worldId, runId, reason, caller: callerOf(context) };
}

function operatorCall(request: Omit<AbortApplyRequest, "$typeName">, context: HandlerContext): OperatorCall {
  const { worldId, runId, reason } = request;
  return { worldId, runId, reason, caller: callerOf(context) };
}

function targetOf(
  { evaluate }: ActivationServiceDeps,
  { target, worldId }: ApplyWorldRequest,
  context: HandlerContext,
): ApplyTarget {
  if (target.case !== "evaluation") {
    return { kind: "plan", plan: fromActivationPlan(target.value ?? { activate: [], deactivate: [] }) };
  }
  if (evaluate === undefined) {
    throw new ConnectError(
      "this server does not serve applies with the target `evaluation`",
      Code.Unimplemented,
    );
  }
  const input = target.value;
  return {
    kind: "evaluation",
    input: toJson(EvaluationInputSchema, input) as ProtoJson,
    choose: () => evaluate(worldId, input, context),
  };
}
