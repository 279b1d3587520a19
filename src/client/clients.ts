import { type Client, createClient, type Transport } from "@connectrpc/connect";
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
import { type RetryOptions, withRetries } from "./retry.ts";

/** The services whose messages exist in package v1 only. */
export interface SharedClients {
  readonly activations: Client<typeof ActivationService>;
  readonly alphaMetrics: Client<typeof AlphaMetricsService>;
  readonly audit: Client<typeof AuditService>;
  readonly capabilities: Client<typeof CapabilityService>;
  readonly decisions: Client<typeof DecisionService>;
  readonly executions: Client<typeof ExecutionService>;
  readonly policies: Client<typeof PolicyService>;
  readonly worlds: Client<typeof WorldService>;
}

export interface ClientsV1 {
  readonly rebalance: Client<typeof RebalanceServiceV1>;
  readonly allocations: Client<typeof AllocationServiceV1>;
  readonly controlBus: Client<typeof ControlBusServiceV1>;
}

export interface ClientsV2 {
  readonly rebalance: Client<typeof RebalanceServiceV2>;
  readonly allocations: Client<typeof AllocationServiceV2>;
  readonly controlBus: Client<typeof ControlBusServiceV2>;
}

/** Everything a deployment offers, typed, in both versions. */
export interface WorldserviceClients extends SharedClients {
  readonly v1: ClientsV1;
  readonly v2: ClientsV2;
}

/**
 * Clients over any Connect transport: those of `worldservice/client/node`, `worldservice/client/web`, or a router in
 * memory. Calls are repeated where the service asks for it (see `withRetries`).
 */
export function createClients(transport: Transport, retry: RetryOptions = {}): WorldserviceClients {
  const steady = withRetries(transport, retry);
  return {
    activations: createClient(ActivationService, steady),
    alphaMetrics: createClient(AlphaMetricsService, steady),
    audit: createClient(AuditService, steady),
    capabilities: createClient(CapabilityService, steady),
    decisions: createClient(DecisionService, steady),
    executions: createClient(ExecutionService, steady),
    policies: createClient(PolicyService, steady),
    worlds: createClient(WorldService, steady),
    v1: {
      rebalance: createClient(RebalanceServiceV1, steady),
      allocations: createClient(AllocationServiceV1, steady),
      controlBus: createClient(ControlBusServiceV1, steady),
    },
    v2: {
      rebalance: createClient(RebalanceServiceV2, steady),
      allocations: createClient(AllocationServiceV2, steady),
      controlBus: createClient(ControlBusServiceV2, steady),
    },
  };
}
