/**
 * What the contract says of every method, written down a second time: the table in the source must agree with it. `run`
 * = the worlds of the run it names, `book` = the whole book, `any` = no world is concerned, `public` = no token.
 */
const DECLARED = `
v1.RebalanceService/PlanRebalance reader worlds
v1.RebalanceService/ApplyRebalance owner worlds
v1.RebalanceService/ExecuteRebalance owner worlds
v1.RebalanceService/GetRebalanceRun reader run
v1.RebalanceService/ListRebalanceRuns reader book
v2.RebalanceService/PlanRebalance reader worlds
v2.RebalanceService/ApplyRebalance owner worlds
v2.RebalanceService/ExecuteRebalance owner worlds
v2.RebalanceService/GetRebalanceRun reader run
v2.RebalanceService/ListRebalanceRuns reader book
v1.AllocationService/UpsertAllocations owner worlds
v1.AllocationService/GetAllocations reader worlds
v1.AllocationService/GetAllocationRun reader run
v2.AllocationService/UpsertAllocations owner worlds
v2.AllocationService/GetAllocations reader worlds
v2.AllocationService/GetAllocationRun reader run
v1.ControlBusService/Subscribe reader worlds
v2.ControlBusService/Subscribe reader worlds
v1.CapabilityService/GetCapabilities reader any
v1.AuditService/ListAuditEntries reader worlds
v1.ActivationService/UpsertActivation owner worlds
v1.ActivationService/GetActivation reader worlds
v1.ActivationService/ListActivations reader worlds
v1.ActivationService/FreezeWorld operator worlds
v1.ActivationService/UnfreezeWorld operator worlds
v1.ActivationService/ApplyWorld owner worlds
v1.ActivationService/GetApply reader worlds
v1.ActivationService/ResumeApply operator worlds
v1.ActivationService/AbortApply operator worlds
v1.ActivationService/AcknowledgeActivation operator worlds
v1.AlphaMetricsService/GetMetricSpec reader any
v1.AlphaMetricsService/ComputeAlphaMetrics reader any
v1.AlphaMetricsService/RecordReturns operator worlds
v1.AlphaMetricsService/GetAlphaMetrics reader worlds
v1.DecisionService/Evaluate reader worlds
v1.DecisionService/Decide operator worlds
v1.DecisionService/SetDecisions owner worlds
v1.DecisionService/GetDecisions reader worlds
v1.DecisionService/SetBindings owner worlds
v1.DecisionService/GetBindings reader worlds
v1.DecisionService/RecordHistory operator worlds
v1.ExecutionService/GetExecution reader run
v1.ExecutionService/ListExecutions reader book
v1.ExecutionService/ResolveExecution operator run
v1.ExecutionService/ListPaperOrders reader run
v1.PolicyService/CreatePolicy owner worlds
v1.PolicyService/GetPolicy reader worlds
v1.PolicyService/ListPolicies reader worlds
v1.PolicyService/SetDefaultPolicy owner worlds
v1.WorldService/CreateWorld owner worlds
v1.WorldService/GetWorld reader worlds
v1.WorldService/ListWorlds reader book
v1.WorldService/UpdateWorld owner worlds
v1.WorldService/DeleteWorld owner worlds
grpc.health.v1.Health/Check public -
grpc.health.v1.Health/Watch public -
grpc.health.v1.Health/List public -
grpc.reflection.v1.ServerReflection/ServerReflectionInfo reader any
grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo reader any
`;

export interface Declared {
  readonly role: "public" | "reader" | "operator" | "owner";
  readonly scope: "worlds" | "run" | "book" | "any" | "-";
}

export const declared: ReadonlyMap<string, Declared> = new Map(
  DECLARED.trim()
    .split("\n")
    .map((line) => {
      const [rpc = "", role, scope] = line.split(" ");
      return [rpc.startsWith("v") ? `worldservice.${rpc}` : rpc, { role, scope } as Declared] as const;
    }),
);
