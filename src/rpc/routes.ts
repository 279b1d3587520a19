import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService as AllocationServiceV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService as ControlBusServiceV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { RebalanceService as RebalanceServiceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationServiceV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ControlBusService as ControlBusServiceV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { RebalanceService as RebalanceServiceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";

/** Every service of the contract that this process answers for. The executor's is called by us, not served. */
export const SERVICES: readonly DescService[] = [
  RebalanceServiceV1,
  AllocationServiceV1,
  ControlBusServiceV1,
  CapabilityService,
  AuditService,
  ActivationService,
  AlphaMetricsService,
  DecisionService,
  ExecutionService,
  PolicyService,
  WorldService,
  RebalanceServiceV2,
  AllocationServiceV2,
  ControlBusServiceV2,
];

/** What is served of one service: methods that are missing answer UNIMPLEMENTED with their name. */
export interface ServedService {
  readonly service: DescService;
  readonly implementation: Partial<ServiceImpl<DescService>>;
}

/** Keeps the methods of `implementation` tied to those of `service`. */
export function served<S extends DescService>(
  service: S,
  implementation: Partial<ServiceImpl<S>>,
): ServedService {
  return { service, implementation };
}

/** One row per method of the contract: is it served? */
export interface MethodStatus {
  readonly service: string;
  readonly method: string;
  readonly isServed: boolean;
}

/** What a deployment made of `services` serves of the whole contract. */
export function methodStatus(services: readonly ServedService[]): MethodStatus[] {
  const implementations = new Map(
    services.map(({ service, implementation }) => [service.typeName, implementation]),
  );
  return SERVICES.flatMap((service) =>
    service.methods.map((method) => ({
      service: service.typeName,
      method: method.name,
      isServed: method.localName in (implementations.get(service.typeName) ?? {}),
    })),
  );
}

/** Registers every service of the contract, with what is served of it. */
export function contractRoutes(services: readonly ServedService[]): (router: ConnectRouter) => void {
  const implementations = new Map(
    services.map(({ service, implementation }) => [service.typeName, implementation]),
  );
  return (router) => {
    for (const service of SERVICES) router.service(service, implementations.get(service.typeName) ?? {});
  };
}
