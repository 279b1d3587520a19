import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type CreatePolicyRequest,
  PolicyPreset,
  type PolicySchema,
  type PolicyService,
} from "#gen/worldservice/v1/policy_service_pb.ts";
import { POLICY_PRESETS } from "../../domain/decision/presets.ts";
import type { JsonObject } from "../../domain/json.ts";
import { getPolicy, listPolicies, type PolicyAt } from "../../orchestration/policies/read-policies.ts";
import { createPolicy, setDefaultPolicy } from "../../orchestration/policies/write-policies.ts";
import type { WriteDeps } from "../../orchestration/shared/deps.ts";
import { callOptions } from "../call-options.ts";
import { fromPageToken, pageSize, toPageToken } from "../pages.ts";
import { callerOf } from "../principal.ts";

/** `worldservice.v1.PolicyService`. */
export function policyServiceV1(deps: WriteDeps): ServiceImpl<typeof PolicyService> {
  return {
    async createPolicy({ worldId, source }, context) {
      const call = { worldId, ...fromSource(source), caller: callerOf(context) };
      return { policy: toPolicy(await createPolicy(deps, call, callOptions(context))) };
    },
    async getPolicy({ worldId, version }) {
      return { policy: toPolicy(await getPolicy(deps.store, worldId, version)) };
    },
    async listPolicies(request) {
      const position = fromPageToken(request.pageToken, ["", 0]);
      const after = position === undefined ? undefined : { id: position[0], created: position[1] };
      const { store } = deps;
      const { policies, next } = await listPolicies(
        store,
        request.worldId,
        pageSize(request.pageSize),
        after,
      );
      return {
        policies: policies.map(toPolicy),
        nextPageToken: toPageToken(next && [next.id, next.created]),
      };
    },
    async setDefaultPolicy({ worldId, version }, context) {
      const call = { worldId, version, caller: callerOf(context) };
      return { policy: toPolicy(await setDefaultPolicy(deps, call, callOptions(context))) };
    },
  };
}

const PRESETS: ReadonlyMap<PolicyPreset, JsonObject | undefined> = new Map([
  [PolicyPreset.SANDBOX, POLICY_PRESETS.get("sandbox")],
  [PolicyPreset.CONSERVATIVE, POLICY_PRESETS.get("conservative")],
  [PolicyPreset.MODERATE, POLICY_PRESETS.get("moderate")],
  [PolicyPreset.AGGRESSIVE, POLICY_PRESETS.get("aggressive")],
]);

/** The rules a request brings or names. That it does either is checked before. */
function fromSource(source: CreatePolicyRequest["source"]): { body: JsonObject; path: string } {
  if (source.case === "body") return { body: source.value, path: "body" };
  const preset = source.case === "preset" ? PRESETS.get(source.value) : undefined;
  return { body: preset ?? {}, path: "preset" };
}

function toPolicy({ policy, isDefault }: PolicyAt): MessageInitShape<typeof PolicySchema> {
  const { worldId, version, body, checksum, createdAtMs } = policy;
  return { worldId, version, body, checksum, isDefault, createdAt: timestampFromMs(createdAtMs) };
}
