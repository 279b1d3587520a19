import type { ServiceImpl } from "@connectrpc/connect";
import { type CapabilityService, RebalanceMode } from "#gen/worldservice/v1/capability_service_pb.ts";
import type { Gates } from "../../domain/rebalance/negotiation.ts";

/** What GetCapabilities tells beside the gates. */
export interface Deployment {
  readonly gates: Gates;
  readonly serverVersion: string;
  readonly storeKind: string;
  readonly durability: string;
  readonly book: string;
}

/** `worldservice.v1.CapabilityService`. */
export function capabilityServiceV1(deployment: Deployment): ServiceImpl<typeof CapabilityService> {
  const { gates } = deployment;
  const modes = [RebalanceMode.SCALING, RebalanceMode.OVERLAY, RebalanceMode.HYBRID];
  return {
    getCapabilities: () => ({
      rebalanceSchemaVersion: gates.compatRebalanceV2 ? 2 : 1,
      compatRebalanceV2: gates.compatRebalanceV2,
      alphaMetricsRequired: gates.alphaMetricsRequired,
      alphaMetricsCapable: gates.compatRebalanceV2,
      supportedModes: gates.compatRebalanceV2 ? modes : [RebalanceMode.SCALING],
      serverVersion: deployment.serverVersion,
      storeKind: deployment.storeKind,
      durability: deployment.durability,
      book: deployment.book,
    }),
  };
}
