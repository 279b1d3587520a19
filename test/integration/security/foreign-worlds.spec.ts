import {
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { ControlBusService as BusV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ControlBusService as BusV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { RebalanceService as RebalanceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { TestServer } from "../../support/server.ts";
import { call, FOREIGN, type Outcome, OWN, principalName, verdict } from "./support.ts";
import { PROOFS, type Proof } from "./support-proofs.ts";

const EVERYTHING = principalName("owner", "*");
const OWNER = principalName("owner", OWN);
/** The runs that stand in the book before anything is asked: of the own world, of another, and of both. */
const WRITTEN = { own: [OWN], foreign: [FOREIGN], both: [OWN, FOREIGN] } as const;

type Written = keyof typeof WRITTEN;
type Write = readonly [method: DescMethodUnary, request: JsonObject & { readonly runId: string }];

function shares(worlds: readonly string[], share: number): JsonObject {
  return Object.fromEntries(worlds.map((world) => [world, share]));
}

function positions(worlds: readonly string[]): JsonObject[] {
  return worlds.map((worldId) => ({
    worldId,
    strategyId: "trend",
    symbol: "X",
    venue: "v",
    qty: 10,
    mark: 10,
  }));
}

function rebalanceOf(worlds: readonly string[]): JsonObject {
  return {
    totalEquity: 1_000,
    worldAllocBefore: shares(worlds, 0.1),
    worldAllocAfter: shares(worlds, 0.05),
    positions: positions(worlds),
  };
}

/** One run of each kind, with positions to be traded. */
function runs(name: Written, worlds: readonly string[] = WRITTEN[name]): Write[] {
  const rebalance = rebalanceOf(worlds);
  const upsert = {
    totalEquity: 1_000,
    worldAllocations: shares(worlds, 0.1),
    positions: positions(worlds),
  };
  return [
    [RebalanceService.method.applyRebalance, { runId: `applied-${name}`, rebalance }],
    [RebalanceV2.method.applyRebalance, { runId: `applied-v2-${name}`, rebalance }],
    [AllocationService.method.upsertAllocations, { runId: `upserted-${name}`, ...upsert }],
    [AllocationV2.method.upsertAllocations, { runId: `upserted-v2-${name}`, ...upsert }],
    [RebalanceService.method.executeRebalance, { runId: `executed-${name}`, rebalance, submit: true }],
  ];
}

/** Everything else that a world can have. */
function belongings(worldId: string): readonly (readonly [DescMethodUnary, JsonObject])[] {
  const entry = { worldId, strategyId: "trend", side: "ACTIVATION_SIDE_LONG", active: true };
  return [
    [WorldService.method.createWorld, { world: { worldId } }],
    [ActivationService.method.upsertActivation, entry],
    [DecisionService.method.setDecisions, { worldId, strategies: ["trend"] }],
    [DecisionService.method.setBindings, { worldId, strategies: ["trend"] }],
    [PolicyService.method.createPolicy, { worldId, preset: "POLICY_PRESET_CONSERVATIVE" }],
    [ActivationService.method.applyWorld, { worldId, runId: "apply", plan: { activate: ["carry"] } }],
  ];
}

/** What a reader of the own world may ask, so that every kind of answer is looked at. */
const QUESTIONS: readonly (readonly [DescMethodUnary, JsonObject])[] = [
  [WorldService.method.getWorld, { worldId: OWN }],
  [AllocationService.method.getAllocations, { worldIds: [OWN] }],
  [AllocationV2.method.getAllocations, { worldIds: [OWN] }],
  [AllocationService.method.getAllocationRun, { runId: "upserted-own" }],
  [RebalanceService.method.getRebalanceRun, { runId: "applied-own" }],
  [RebalanceV2.method.getRebalanceRun, { runId: "applied-v2-own" }],
  [ExecutionService.method.getExecution, { runId: "executed-own" }],
  [ExecutionService.method.listPaperOrders, { runId: "executed-own" }],
  [AuditService.method.listAuditEntries, { worldId: OWN }],
  [
    ActivationService.method.getActivation,
    { worldId: OWN, strategyId: "trend", side: "ACTIVATION_SIDE_LONG" },
  ],
  [ActivationService.method.listActivations, { worldId: OWN }],
  [ActivationService.method.getApply, { worldId: OWN, runId: "apply" }],
  [AlphaMetricsService.method.getAlphaMetrics, { worldIds: [OWN] }],
  [DecisionService.method.getDecisions, { worldId: OWN }],
  [DecisionService.method.getBindings, { worldId: OWN }],
  [PolicyService.method.getPolicy, { worldId: OWN, version: 1 }],
  [PolicyService.method.listPolicies, { worldId: OWN }],
  [RebalanceV2.method.planRebalance, { rebalance: rebalanceOf([OWN]) }],
];

for (const [kind, prove] of Object.entries(PROOFS)) {
  describe(`other worlds, to callers with ${kind}`, () => {
    let proof: Proof;
    let server: TestServer;

    before(async () => {
      proof = prove();
      server = await proof.start({ executor: "paper", compat_rebalance_v2: true });
      const series = [OWN, FOREIGN].map((worldId) => {
        return { worldId, strategyId: "trend", returns: { values: [0.01, -0.02, 0.03] } };
      });
      await write(AlphaMetricsService.method.recordReturns, { series });
      for (const world of [OWN, FOREIGN]) {
        for (const [method, request] of belongings(world)) await write(method, request);
      }
      for (const name of ["both", "foreign", "own"] as const) {
        for (const [method, request] of runs(name)) await write(method, request);
      }
    });
    after(async () => {
      await server.stop();
      proof.end();
    });

    function as(name: string, method: DescMethod, request: JsonObject): Promise<Outcome> {
      const { transport, headers } = proof.callerOf(server, name);
      return call(transport, method, request, headers);
    }

    async function write(method: DescMethodUnary, request: JsonObject): Promise<void> {
      expect(await as(EVERYTHING, method, request), method.name).to.equal("ok");
    }

    /** The answer as text. */
    async function ask(name: string, method: DescMethodUnary, request: JsonObject): Promise<string> {
      const { transport, headers } = proof.callerOf(server, name);
      const message = fromJson(method.input, request);
      const answer = await transport.unary(method, undefined, 5_000, headers, message);
      return JSON.stringify(toJson(method.output, answer.message));
    }

    /** What a subscription brings until it has caught up. */
    async function follow(
      name: string,
      method: DescMethodServerStreaming,
      request: JsonObject,
    ): Promise<string> {
      const { transport, headers } = proof.callerOf(server, name);
      const stop = new AbortController();
      const message = fromJson(method.input, request);
      const { message: messages } = await transport.stream(
        method as never,
        stop.signal,
        5_000,
        headers,
        (async function* () {
          yield message as never;
        })(),
      );
      const received: string[] = [];
      for await (const one of messages) {
        received.push(JSON.stringify(toJson(method.output, one)));
        if (received.at(-1)?.startsWith('{"bookmark"') === true) break;
      }
      stop.abort();
      return received.join("\n");
    }

    for (const [method, request] of QUESTIONS) {
      it(`are in no answer about the own one: ${method.parent.typeName}/${method.name}`, async () => {
        const answer = await ask(principalName("reader", OWN), method, request);
        expect(answer).not.to.contain(FOREIGN);
        expect(answer.length).to.be.greaterThan("{}".length);
      });
    }

    for (const method of [BusV1.method.subscribe, BusV2.method.subscribe]) {
      for (const start of ["EARLIEST", "SNAPSHOT"]) {
        it(`are in no event of the own one: ${method.parent.typeName} from ${start}`, async () => {
          const request = { worldIds: [OWN], start: `START_POSITION_${start}` };
          const feed = await follow(principalName("reader", OWN), method, request);
          expect(feed).to.contain(OWN).and.not.to.contain(FOREIGN);
          const all = await follow(EVERYTHING, method, { start: `START_POSITION_${start}` });
          expect(all).to.contain(FOREIGN);
        });
      }
    }

    it("give a run over both away to nobody who has one of them only", async () => {
      for (const method of [
        RebalanceService.method.getRebalanceRun,
        RebalanceV2.method.getRebalanceRun,
        AllocationService.method.getAllocationRun,
        AllocationV2.method.getAllocationRun,
        ExecutionService.method.getExecution,
        ExecutionService.method.resolveExecution,
        ExecutionService.method.listPaperOrders,
      ]) {
        const missing = await as(OWNER, method, { runId: "missing" });
        expect(missing, method.name).to.include({ code: Code.NotFound, reason: "RUN_NOT_FOUND" });
        for (const [, { runId }] of [...runs("foreign"), ...runs("both")]) {
          const answer = await as(OWNER, method, { runId });
          expect(JSON.stringify(answer).replaceAll(runId, "missing"), `${method.name} ${runId}`).to.equal(
            JSON.stringify(missing),
          );
        }
      }
    });

    it("are not in the journal of all paper orders, which is the whole book's", async () => {
      const { listPaperOrders } = ExecutionService.method;
      expect(await as(OWNER, listPaperOrders, {})).to.include({ reason: "RUN_NOT_FOUND" });
      expect(await ask(EVERYTHING, listPaperOrders, {})).to.contain(FOREIGN);
    });

    it("need the same right for a replay as for the first call", async () => {
      for (const [method, request] of [...runs("foreign"), ...runs("both")]) {
        expect(await as(EVERYTHING, method, request), request.runId).to.equal("ok");
        for (const name of [OWNER, principalName("operator", "*")]) {
          const outcome = await as(name, method, request);
          expect(verdict(outcome), `${name} ${request.runId}`).to.equal("denied");
        }
      }
    });

    it("are not shown by a run id that is taken, nor written over", async () => {
      for (const [method, request] of runs("foreign", [OWN])) {
        const before = await ask(EVERYTHING, AuditService.method.listAuditEntries, { worldId: FOREIGN });
        const outcome = await as(OWNER, method, request);
        expect(outcome, request.runId).to.include({ code: Code.AlreadyExists, reason: "RUN_ID_REUSED" });
        expect(JSON.stringify(outcome).replaceAll(request.runId, "")).not.to.contain("foreign");
        expect(await ask(EVERYTHING, AuditService.method.listAuditEntries, { worldId: FOREIGN })).to.equal(
          before,
        );
      }
    });

    it("do not come with a page token of another list", async () => {
      const { listAuditEntries } = AuditService.method;
      const first = JSON.parse(await ask(EVERYTHING, listAuditEntries, { worldId: FOREIGN, pageSize: 1 }));
      const reader = principalName("reader", OWN);
      const pageToken = String(first.nextPageToken);
      expect(await ask(reader, listAuditEntries, { worldId: OWN, pageToken })).not.to.contain(FOREIGN);
      expect(verdict(await as(reader, listAuditEntries, { worldId: FOREIGN, pageToken }))).to.equal("denied");
    });

    it("hear no acknowledgement in another's name", async () => {
      const { acknowledgeActivation } = ActivationService.method;
      const [own, other] = [principalName("operator", OWN), principalName("operator", "*")];
      const acknowledge = (caller: string, subscriber: string) =>
        as(caller, acknowledgeActivation, { worldId: OWN, subscriber, sequence: "1", runId: "apply" });
      for (const [caller, subscriber] of [
        [own, other],
        [other, own],
        [own, own.toUpperCase()],
        [own, `${own} `],
      ] as const) {
        expect(verdict(await acknowledge(caller, subscriber)), `${caller} as ${subscriber}`).to.equal(
          "denied",
        );
      }
      expect(verdict(await acknowledge(own, own))).to.equal("admitted");
    });
  });
}
