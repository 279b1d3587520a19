import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  BindingSetSchema,
  DecisionService,
  DecisionSetSchema,
} from "#gen/worldservice/v1/decision_service_pb.ts";
import type { Decisions } from "../../domain/activation/world-change.ts";
import type { WorldDeps } from "../../orchestration/activation/deps.ts";
import { addToBindings, type Bindings, getBindings } from "../../orchestration/decisions/bindings.ts";
import { getDecisions, setDecisions } from "../../orchestration/decisions/set-decisions.ts";
import { callOptions } from "../call-options.ts";
import { checkIdList, checkIds } from "../ids.ts";
import { callerOf } from "../principal.ts";

type DecisionMethods = Pick<
  ServiceImpl<typeof DecisionService>,
  "setDecisions" | "getDecisions" | "setBindings" | "getBindings"
>;

/** The methods of `worldservice.v1.DecisionService` that keep lists of strategies. */
export function decisionLists(deps: WorldDeps): DecisionMethods {
  return {
    async setDecisions({ worldId, strategies, etag, runId }, context) {
      checkIds({ world_id: worldId, run_id: runId });
      checkIdList("strategies", strategies);
      const call = { worldId, strategies, etag, runId, caller: callerOf(context) };
      return { decisions: toDecisionSet(worldId, await setDecisions(deps, call, callOptions(context))) };
    },

    async getDecisions({ worldId }) {
      return { decisions: toDecisionSet(worldId, await getDecisions(deps.store, worldId)) };
    },

    async setBindings({ worldId, strategies }, context) {
      checkIds({ world_id: worldId });
      checkIdList("strategies", strategies);
      const call = { worldId, strategies, caller: callerOf(context) };
      return { bindings: toBindingSet(worldId, await addToBindings(deps, call, callOptions(context))) };
    },

    async getBindings({ worldId }) {
      return { bindings: toBindingSet(worldId, await getBindings(deps.store, worldId)) };
    },
  };
}

function toDecisionSet(
  worldId: string,
  { strategies, etag, runId, updatedAtMs }: Decisions,
): MessageInitShape<typeof DecisionSetSchema> {
  return { worldId, strategies: [...strategies], etag, runId, ...updatedAt(updatedAtMs) };
}

function toBindingSet(
  worldId: string,
  { strategies, updatedAtMs }: Bindings,
): MessageInitShape<typeof BindingSetSchema> {
  return { worldId, strategies: [...strategies], ...updatedAt(updatedAtMs) };
}

/** Absent where nothing was ever set. */
function updatedAt(ms: number) {
  return ms === 0 ? {} : { updatedAt: timestampFromMs(ms) };
}
