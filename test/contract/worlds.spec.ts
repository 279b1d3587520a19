import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService as AllocationV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { RebalanceService as RebalanceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as RebalanceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";

const { method } = WorldService;

type Step = readonly [method: DescMethodUnary, request: JsonObject];
interface Case {
  readonly given?: readonly Step[];
  readonly when: Step;
}

const W = { worldId: "w" };
const FULL = {
  ...W,
  name: "Sector rotation",
  description: "Monthly",
  owner: "desk-7",
  labels: ["equity", "us"],
  allowLive: true,
  executionDomain: "EXECUTION_DOMAIN_LIVE",
  ackRoster: ["gate-1", "gate-2"],
};
const create = (world: JsonObject = W): Step => [method.createWorld, { world }];
const update = (world: JsonObject, updateMask: string): Step => [
  method.updateWorld,
  { world: { ...W, ...world }, updateMask },
];
const remove: Step = [method.deleteWorld, W];
const three = ["b", "a", "10"].map((worldId) => create({ worldId }));

const CASES: Readonly<Record<string, Case>> = {
  "create-world.defaults": { when: create() },
  "create-world.all-fields": { when: create(FULL) },
  "create-world.server-set-fields": {
    when: create({ ...W, defaultPolicyVersion: 9, createdAt: "2001-01-01T00:00:00Z", etag: "mine" }),
  },
  "create-world.refuses-existing": { given: [create()], when: create() },
  "create-world.refuses-deleted": { given: [create(), remove], when: create() },
  "create-world.refuses-no-world": { when: [method.createWorld, {}] },
  "create-world.refuses-empty-id": { when: create({ worldId: "" }) },
  "create-world.refuses-control-characters": { when: create({ worldId: "a\nb" }) },
  "create-world.refuses-decomposed-name": { when: create({ worldId: "cafe\u0301" }) },
  "create-world.refuses-live-without-allow-live": {
    when: create({ ...W, executionDomain: "EXECUTION_DOMAIN_LIVE" }),
  },
  "create-world.refuses-state-deleted": { when: create({ ...W, state: "WORLD_STATE_DELETED" }) },
  "create-world.refuses-label-twice": { when: create({ ...W, labels: ["x", "x"] }) },
  "get-world.found": { given: [create(FULL)], when: [method.getWorld, W] },
  "get-world.deleted": { given: [create(), remove], when: [method.getWorld, W] },
  "get-world.refuses-unknown": { when: [method.getWorld, W] },
  "list-worlds.none": { when: [method.listWorlds, {}] },
  "list-worlds.first-page": { given: three, when: [method.listWorlds, { pageSize: 2 }] },
  "list-worlds.without-deleted": {
    given: [...three, [method.deleteWorld, { worldId: "a" }]],
    when: [method.listWorlds, {}],
  },
  "list-worlds.with-deleted": {
    given: [...three, [method.deleteWorld, { worldId: "a" }]],
    when: [method.listWorlds, { showDeleted: true }],
  },
  "list-worlds.refuses-foreign-token": { when: [method.listWorlds, { pageToken: "WzEsMl0" }] },
  "list-worlds.refuses-page-size": { when: [method.listWorlds, { pageSize: 1001 }] },
  "update-world.only-what-the-mask-names": {
    given: [create(FULL)],
    when: update({ name: "Other", owner: "ignored" }, "name,labels"),
  },
  "update-world.suspend": { given: [create()], when: update({ state: "WORLD_STATE_SUSPENDED" }, "state") },
  "update-world.live-with-allow-live": {
    given: [create()],
    when: update({ allowLive: true, executionDomain: "EXECUTION_DOMAIN_LIVE" }, "allowLive,executionDomain"),
  },
  "update-world.refuses-live-without-allow-live": {
    given: [create()],
    when: update({ executionDomain: "EXECUTION_DOMAIN_LIVE" }, "executionDomain"),
  },
  "update-world.refuses-revoking-allow-live-of-live": {
    given: [create(FULL)],
    when: update({}, "allowLive"),
  },
  "update-world.refuses-empty-mask": { given: [create()], when: update({ name: "x" }, "") },
  "update-world.refuses-id-in-mask": { given: [create()], when: update({ name: "x" }, "worldId") },
  "update-world.refuses-state-deleted": {
    given: [create()],
    when: update({ state: "WORLD_STATE_DELETED" }, "state"),
  },
  "update-world.refuses-stale-etag": {
    given: [create()],
    when: update({ etag: "sha256:old", name: "x" }, "name"),
  },
  "update-world.refuses-unknown": { when: update({ name: "x" }, "name") },
  "update-world.refuses-deleted": { given: [create(), remove], when: update({ name: "x" }, "name") },
  "delete-world.first": { given: [create()], when: remove },
  "delete-world.again": { given: [create(), remove], when: remove },
  "delete-world.refuses-unknown": { when: remove },
  "delete-world.refuses-stale-etag": {
    given: [create()],
    when: [method.deleteWorld, { ...W, etag: "sha256:old" }],
  },
  "delete-world.refuses-open-apply": {
    given: [
      create({ ...W, ackRoster: ["gate"] }),
      [ActivationService.method.upsertActivation, { ...W, strategyId: "a", side: "ACTIVATION_SIDE_LONG" }],
      [ActivationService.method.applyWorld, { ...W, runId: "r", plan: { activate: ["a"] } }],
    ],
    when: remove,
  },
};

async function perform(open: TestServer, { given = [], when }: Case): Promise<Outcome> {
  for (const [each, request] of given) {
    const outcome = await callJson(open.transport, each, request);
    expect(outcome, `${each.name} before`).to.have.property("response");
  }
  return callJson(open.transport, ...when);
}

describe("contract of WorldService", () => {
  for (const [name, each] of Object.entries(CASES)) {
    it(`answers ${name} as recorded`, async () => {
      const open = await startServer({}, { clock: STANDING_CLOCK });
      try {
        const outcome = await perform(open, each);
        expect("error" in outcome, JSON.stringify(outcome)).to.equal(name.includes(".refuses"));
        expectGolden(`v1/${name}`, outcome);
      } finally {
        await open.stop();
      }
    });
  }

  it("leads from page to page through all worlds, once each, and refuses a token with other conditions", async () => {
    const open = await startServer();
    try {
      const ids = ["10", "2", "__proto__", "a", "é", "세계"];
      for (const worldId of ids) await callJson(open.transport, ...create({ worldId }));
      const seen: string[] = [];
      let pageToken = "";
      do {
        const outcome = await callJson(open.transport, method.listWorlds, { pageSize: 2, pageToken });
        const page = (outcome as { response: { worlds: { worldId: string }[]; nextPageToken?: string } })
          .response;
        seen.push(...page.worlds.map(({ worldId }) => worldId));
        pageToken = page.nextPageToken ?? "";
        if (pageToken !== "") {
          const other = { pageToken, showDeleted: true };
          expect(await callJson(open.transport, method.listWorlds, other)).to.have.property("error");
        }
      } while (pageToken !== "");
      expect(seen).to.deep.equal(ids);
    } finally {
      await open.stop();
    }
  });
});

const POSITION = { worldId: "w", strategyId: "s", symbol: "X", qty: 1, mark: 1 };
const UPSERT = { runId: "u", totalEquity: 100, worldAllocations: { w: 0.5 }, positions: [POSITION] };
const APPLY = {
  runId: "p",
  rebalance: {
    totalEquity: 100,
    worldAllocBefore: { w: 0.5 },
    worldAllocAfter: { w: 0.4 },
    positions: [POSITION],
  },
};

const MOVES: readonly Step[] = [
  [AllocationV1.method.upsertAllocations, UPSERT],
  [AllocationV2.method.upsertAllocations, UPSERT],
  [RebalanceV1.method.applyRebalance, APPLY],
  [RebalanceV2.method.applyRebalance, APPLY],
];

const SHUT: Readonly<Record<string, readonly Step[]>> = {
  WORLD_SUSPENDED: [create({ ...W, state: "WORLD_STATE_SUSPENDED" })],
  CIRCUIT_BREAKER_OPEN: [create({ ...W, circuitBreaker: true })],
  WORLD_NOT_FOUND: [create(), remove],
  WORLD_FROZEN: [[ActivationService.method.freezeWorld, W]],
};

describe("switches of a world", () => {
  for (const [reason, given] of Object.entries(SHUT)) {
    for (const when of MOVES) {
      it(`refuse ${when[0].parent.typeName}/${when[0].name} with ${reason}`, async () => {
        const open = await startServer();
        try {
          const outcome = await perform(open, { given, when });
          expect(outcome).to.have.nested.property("error.errorInfo[0].reason", reason);
        } finally {
          await open.stop();
        }
      });
    }
  }

  for (const when of MOVES) {
    it(`still replay what ${when[0].parent.typeName}/${when[0].name} did before`, async () => {
      const open = await startServer();
      try {
        const given: Step[] = [when, create({ ...W, state: "WORLD_STATE_SUSPENDED" })];
        const outcome = await perform(open, { given, when });
        expect(outcome).to.have.nested.property("response.replayed", true);
      } finally {
        await open.stop();
      }
    });
  }
});
