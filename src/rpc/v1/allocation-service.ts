import type { ServiceImpl } from "@connectrpc/connect";
import type { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { getAllocationRun, getAllocations } from "../../orchestration/read-runs/read-runs.ts";
import type { WriteDeps } from "../../orchestration/shared/deps.ts";
import { upsertAllocations } from "../../orchestration/upsert-allocations/upsert-allocations.ts";
import { callOptions } from "../call-options.ts";
import {
  fromUpsertRequest,
  toAllocationRun,
  toAllocations,
  toUpsertResponse,
} from "./convert-allocations.ts";

/** `worldservice.v1.AllocationService`. */
export function allocationServiceV1(deps: WriteDeps): ServiceImpl<typeof AllocationService> {
  return {
    async upsertAllocations(request, context) {
      return toUpsertResponse(
        await upsertAllocations(deps, fromUpsertRequest(request), callOptions(context)),
      );
    },
    async getAllocations(request) {
      return {
        allocations: toAllocations(await getAllocations(deps.store, request.worldIds), deps.clock.now()),
      };
    },
    async getAllocationRun(request) {
      return toAllocationRun(await getAllocationRun(deps.store, request.runId));
    },
  };
}
