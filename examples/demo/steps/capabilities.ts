import { equals } from "@bufbuild/protobuf";
import {
  CapabilityService,
  GetCapabilitiesResponseSchema,
} from "#gen/worldservice/v1/capability_service_pb.ts";
import { callWithGrpcJs } from "../clients.ts";
import { fact } from "../facts.ts";
import { heading, printTable } from "../output.ts";
import type { Stage } from "../stage.ts";

/** What this deployment speaks, asked through two gRPC implementations. */
export async function showCapabilities(stage: Stage): Promise<void> {
  heading("What this deployment speaks");
  const told = await stage.clients().capabilities.getCapabilities({});
  const again = await callWithGrpcJs(stage.address(), CapabilityService.method.getCapabilities, {});
  const rows = [
    ["server version", told.serverVersion],
    ["book", told.book],
    ["store", `${told.storeKind}, durability ${told.durability}`],
    ["highest schema version", String(told.rebalanceSchemaVersion)],
    ["compat_rebalance_v2", String(told.compatRebalanceV2)],
    ["alpha_metrics_required", String(told.alphaMetricsRequired)],
  ];
  printTable("GetCapabilities", ["", ""], rows);
  fact(
    "schema version 2 is on, with scaling, overlay and hybrid",
    told.compatRebalanceV2 && told.supportedModes.length === 3,
  );
  fact("an acknowledged write is on disk", told.storeKind === "sqlite" && told.durability === "fsync");
  fact("grpc-js gets the same answer as connect", equals(GetCapabilitiesResponseSchema, told, again));
}
