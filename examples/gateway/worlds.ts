/** How a Gateway talks to the service: whichever schema version both of them speak. */
import { fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import {
  CapabilityService,
  type GetCapabilitiesResponse,
} from "#gen/worldservice/v1/capability_service_pb.ts";
import * as v1 from "#gen/worldservice/v1/rebalance_service_pb.ts";
import * as v2 from "#gen/worldservice/v2/rebalance_service_pb.ts";

/** What the service can do, as it told last. */
export type Capabilities = GetCapabilitiesResponse;

/** What a caller of the Gateway may ask of an execution. */
export interface ExecuteFlags {
  readonly runId: string;
  readonly submit: boolean;
  readonly perStrategy: boolean;
  readonly sharedAccount: boolean;
  readonly allowLive: boolean;
}

export interface Worlds {
  /** Asks the service what it can do. Everything after it speaks that version. */
  negotiate(): Promise<Capabilities>;
  /** @param rebalance a RebalanceRequest in proto JSON, without a schema version. */
  plan(rebalance: JsonObject): Promise<JsonValue>;
  execute(rebalance: JsonObject, flags: ExecuteFlags): Promise<JsonValue>;
  readonly activation: Client<typeof ActivationService>;
}

export function createWorlds(transport: Transport): Worlds {
  const capabilityClient = createClient(CapabilityService, transport);
  const clientV1 = createClient(v1.RebalanceService, transport);
  const clientV2 = createClient(v2.RebalanceService, transport);
  let agreed: Promise<Capabilities> | undefined;

  function negotiate(): Promise<Capabilities> {
    agreed = capabilityClient.getCapabilities({});
    return agreed;
  }

  async function speaksTwo(): Promise<boolean> {
    const { rebalanceSchemaVersion } = await (agreed ?? negotiate());
    return rebalanceSchemaVersion >= 2;
  }

  return {
    negotiate,
    activation: createClient(ActivationService, transport),
    async plan(rebalance) {
      if (await speaksTwo()) {
        const request = fromJson(v2.PlanRebalanceRequestSchema, {
          rebalance: { ...rebalance, schemaVersion: 2 },
        });
        return toJson(v2.PlanRebalanceResponseSchema, await clientV2.planRebalance(request));
      }
      const request = fromJson(v1.PlanRebalanceRequestSchema, { rebalance });
      return toJson(v1.PlanRebalanceResponseSchema, await clientV1.planRebalance(request));
    },
    async execute(rebalance, flags) {
      if (await speaksTwo()) {
        const json = { ...flags, rebalance: { ...rebalance, schemaVersion: 2 } };
        const request = fromJson(v2.ExecuteRebalanceRequestSchema, json);
        return toJson(v2.ExecuteRebalanceResponseSchema, await clientV2.executeRebalance(request));
      }
      const request = fromJson(v1.ExecuteRebalanceRequestSchema, { ...flags, rebalance });
      return toJson(v1.ExecuteRebalanceResponseSchema, await clientV1.executeRebalance(request));
    },
  };
}
