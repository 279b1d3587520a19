/** Who may call what: every method of every service has its row here, or the server does not start. */
import {
  type DescMessage,
  type DescMethod,
  type DescService,
  isMessage,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService as AllocationV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService as ControlBusV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { RebalanceService as RebalanceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ControlBusService as ControlBusV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { RebalanceService as RebalanceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { ServerReflection as ReflectionV1 } from "#thirdparty/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ReflectionV1Alpha } from "#thirdparty/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "#thirdparty/health/v1/health_pb.ts";
import type { Role } from "./grants.ts";
import {
  worldsOfCarrier,
  worldsOfEvaluation,
  worldsOfInput,
  worldsOfRebalance,
  worldsOfSeries,
} from "./worlds.ts";

/** What a call has to hold, and for which worlds. */
export type Rule =
  /** Answered without authentication. */
  | { readonly kind: "public" }
  /** The role, for whichever world: nothing of any world is read or changed. */
  | { readonly kind: "any-world"; readonly role: Role }
  /** The role for every world that the message names; where it names none, for the book as a whole. */
  | {
      readonly kind: "worlds";
      readonly role: Role;
      readonly worldsOf: (message: Message) => readonly string[];
    }
  /** The role for every world of the run that the message names. */
  | { readonly kind: "run"; readonly role: Role; readonly runIdOf: (message: Message) => string };

type Method<I extends DescMessage> = DescMethod & { readonly input: I };
type Row = readonly [rpc: string, rule: Rule];

const BOOK: readonly string[] = [];
const bookOnly = () => BOOK;
const worldId = (message: { readonly worldId: string }) => [message.worldId];
/** A filter; none means every world, so the book as a whole. */
const worldIds = (message: { readonly worldIds: readonly string[] }) => message.worldIds;

/** Full RPC name (`worldservice.v1.WorldService/GetWorld`) → rule. */
export const RULES: ReadonlyMap<string, Rule> = new Map([
  worlds(RebalanceV1.method.planRebalance, "reader", worldsOfRebalance),
  worlds(RebalanceV1.method.applyRebalance, "owner", worldsOfRebalance),
  worlds(RebalanceV1.method.executeRebalance, "owner", worldsOfRebalance),
  run(RebalanceV1.method.getRebalanceRun, "reader"),
  worlds(RebalanceV1.method.listRebalanceRuns, "reader", bookOnly),
  worlds(RebalanceV2.method.planRebalance, "reader", worldsOfRebalance),
  worlds(RebalanceV2.method.applyRebalance, "owner", worldsOfRebalance),
  worlds(RebalanceV2.method.executeRebalance, "owner", worldsOfRebalance),
  run(RebalanceV2.method.getRebalanceRun, "reader"),
  worlds(RebalanceV2.method.listRebalanceRuns, "reader", bookOnly),

  worlds(AllocationV1.method.upsertAllocations, "owner", (message) => worldsOfCarrier(message)),
  worlds(AllocationV1.method.getAllocations, "reader", worldIds),
  run(AllocationV1.method.getAllocationRun, "reader"),
  worlds(AllocationV2.method.upsertAllocations, "owner", (message) => worldsOfCarrier(message)),
  worlds(AllocationV2.method.getAllocations, "reader", worldIds),
  run(AllocationV2.method.getAllocationRun, "reader"),

  worlds(ControlBusV1.method.subscribe, "reader", worldIds),
  worlds(ControlBusV2.method.subscribe, "reader", worldIds),
  anyWorld(CapabilityService.method.getCapabilities, "reader"),
  worlds(AuditService.method.listAuditEntries, "reader", worldId),

  worlds(ActivationService.method.upsertActivation, "owner", worldId),
  worlds(ActivationService.method.getActivation, "reader", worldId),
  worlds(ActivationService.method.listActivations, "reader", worldId),
  worlds(ActivationService.method.freezeWorld, "operator", worldId),
  worlds(ActivationService.method.unfreezeWorld, "operator", worldId),
  worlds(ActivationService.method.applyWorld, "owner", ({ worldId: id, target }) => [
    id,
    ...(target.case === "evaluation" ? worldsOfInput(target.value) : []),
  ]),
  worlds(ActivationService.method.getApply, "reader", worldId),
  worlds(ActivationService.method.resumeApply, "operator", worldId),
  worlds(ActivationService.method.abortApply, "operator", worldId),
  worlds(ActivationService.method.acknowledgeActivation, "operator", worldId),

  anyWorld(AlphaMetricsService.method.getMetricSpec, "reader"),
  anyWorld(AlphaMetricsService.method.computeAlphaMetrics, "reader"),
  worlds(AlphaMetricsService.method.recordReturns, "operator", ({ series }) => worldsOfSeries(series)),
  worlds(AlphaMetricsService.method.getAlphaMetrics, "reader", worldIds),

  worlds(DecisionService.method.evaluate, "reader", worldsOfEvaluation),
  worlds(DecisionService.method.decide, "operator", worldId),
  worlds(DecisionService.method.setDecisions, "owner", worldId),
  worlds(DecisionService.method.getDecisions, "reader", worldId),
  worlds(DecisionService.method.setBindings, "owner", worldId),
  worlds(DecisionService.method.getBindings, "reader", worldId),
  worlds(DecisionService.method.recordHistory, "operator", worldId),

  run(ExecutionService.method.getExecution, "reader"),
  worlds(ExecutionService.method.listExecutions, "reader", bookOnly),
  run(ExecutionService.method.resolveExecution, "operator"),
  run(ExecutionService.method.listPaperOrders, "reader"),

  worlds(PolicyService.method.createPolicy, "owner", worldId),
  worlds(PolicyService.method.getPolicy, "reader", worldId),
  worlds(PolicyService.method.listPolicies, "reader", worldId),
  worlds(PolicyService.method.setDefaultPolicy, "owner", worldId),

  worlds(WorldService.method.createWorld, "owner", ({ world }) => [world?.worldId ?? ""]),
  worlds(WorldService.method.getWorld, "reader", worldId),
  worlds(WorldService.method.listWorlds, "reader", bookOnly),
  worlds(WorldService.method.updateWorld, "owner", ({ world }) => [world?.worldId ?? ""]),
  worlds(WorldService.method.deleteWorld, "owner", worldId),

  // Load balancers ask before anybody has a token, and learn nothing of the book.
  open(Health.method.check),
  open(Health.method.watch),
  open(Health.method.list),
  anyWorld(ReflectionV1.method.serverReflectionInfo, "reader"),
  anyWorld(ReflectionV1Alpha.method.serverReflectionInfo, "reader"),
]);

/** What is served beside the contract. */
export const STANDARD_SERVICES: readonly DescService[] = [Health, ReflectionV1, ReflectionV1Alpha];

/** `package.Service/Method`. */
export function rpcName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/**
 * @throws Error naming every method of `services` that has no rule: a server with an unguarded method must not start.
 */
export function assertRuled(services: readonly DescService[], rules = RULES): void {
  const unruled = services.flatMap(({ methods }) => methods.map(rpcName)).filter((rpc) => !rules.has(rpc));
  if (unruled.length > 0) throw new Error(`no rule says who may call ${unruled.join(", ")}`);
}

function open(method: DescMethod): Row {
  return [rpcName(method), { kind: "public" }];
}

function anyWorld(method: DescMethod, role: Role): Row {
  return [rpcName(method), { kind: "any-world", role }];
}

function worlds<I extends DescMessage>(
  method: Method<I>,
  role: Role,
  worldsOf: (message: MessageShape<I>) => readonly string[],
): Row {
  const { input } = method;
  // A message of another kind names no world that counts, so it needs a right for the whole book.
  const find = (message: Message) => (isMessage(message, input) ? worldsOf(message) : BOOK);
  return [rpcName(method), { kind: "worlds", role, worldsOf: find }];
}

function run<I extends DescMessage>(method: Method<I>, role: Role): Row {
  const find = (message: Message) =>
    "runId" in message && typeof message.runId === "string" ? message.runId : "";
  return [rpcName(method), { kind: "run", role, runIdOf: find }];
}
