import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import type { DomainEvent, PolicyUpdated } from "../../src/domain/events/types.ts";
import { fromStored } from "../../src/domain/stored-json.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";

const { createPolicy, getPolicy, listPolicies, setDefaultPolicy } = PolicyService.method;

const TOP_ONE: JsonObject = { top_k: { metric: "sharpe", k: 1 } };

describe("contract of PolicyService", () => {
  let open: TestServer;
  beforeEach(async () => {
    open = await startServer({}, { clock: STANDING_CLOCK });
  });
  afterEach(() => open.stop());

  const call = (method: DescMethodUnary, request: JsonObject): Promise<Outcome> =>
    callJson(open.transport, method, request);
  const answer = async (method: DescMethodUnary, request: JsonObject): Promise<JsonObject> => {
    const outcome = await call(method, request);
    expect(outcome, JSON.stringify(outcome)).to.have.property("response");
    return (outcome as { response: JsonObject }).response;
  };
  const create = (source: JsonObject) => answer(createPolicy, { worldId: "alpha", ...source });
  const head = async () => (await open.server.opened.store.read({ keys: [] })).head.revision;
  const events = async (): Promise<DomainEvent[]> => {
    const entries = await open.server.opened.log.readAfter(0, 100);
    return entries.flatMap((entry) => entry.events.map(({ body }) => fromStored<DomainEvent>(body)));
  };

  for (const preset of ["SANDBOX", "CONSERVATIVE", "MODERATE", "AGGRESSIVE"]) {
    it(`stores preset ${preset} as the rules it stands for`, async () => {
      const name = preset.toLowerCase();
      expectGolden(`v1/create-policy.${name}`, await create({ preset: `POLICY_PRESET_${preset}` }));
    });
  }

  it("counts versions 1, 2, 3 and makes the first the default", async () => {
    const made = [await create({ body: {} }), await create({ body: TOP_ONE }), await create({ body: {} })];
    expect(made.map(({ policy }) => (policy as JsonObject).version)).to.deep.equal([1, 2, 3]);
    expect(made.map(({ policy }) => (policy as JsonObject).isDefault)).to.deep.equal([
      true,
      undefined,
      undefined,
    ]);
    expect((await answer(getPolicy, { worldId: "alpha" })).policy).to.deep.include({ version: 1 });
  });

  it("gives equal rules equal checksums, however they were written", async () => {
    const bodies: JsonObject[] = [
      { thresholds: { sharpe: { min: 1 } }, ...TOP_ONE },
      { selection: { ...TOP_ONE, thresholds: { sharpe: { metric: "sharpe", min: 1 } } } },
      { top_k: { k: 1, metric: "sharpe" }, thresholds: { sharpe: { min: 1, metric: "sharpe" } } },
      TOP_ONE,
    ];
    const sums: unknown[] = [];
    for (const body of bodies) sums.push(((await create({ body })).policy as JsonObject).checksum);
    expect(new Set(sums.slice(0, 3)).size).to.equal(1);
    expect(sums[3]).not.to.equal(sums[0]);
  });

  it("lists versions newest first, page by page", async () => {
    for (let i = 0; i < 5; i++) await create({ body: TOP_ONE });
    const versions: unknown[] = [];
    let pageToken = "";
    do {
      const page = await answer(listPolicies, { worldId: "alpha", pageSize: 2, pageToken });
      versions.push(...(page.policies as JsonObject[]).map(({ version }) => version));
      pageToken = String(page.nextPageToken ?? "");
    } while (pageToken !== "");
    expect(versions).to.deep.equal([5, 4, 3, 2, 1]);
    expect(await answer(listPolicies, { worldId: "nobody" })).to.deep.equal({});
  });

  it("moves the default, tells so in event, audit and registry, and changes nothing the second time", async () => {
    await answer(WorldService.method.createWorld, { world: { worldId: "alpha", name: "A" } });
    await create({ body: {} });
    await create({ body: TOP_ONE });
    const moved = await answer(setDefaultPolicy, { worldId: "alpha", version: 2 });
    expectGolden("v1/set-default-policy", moved);
    const after = await head();
    expect(await answer(setDefaultPolicy, { worldId: "alpha", version: 2 })).to.deep.equal(moved);
    expect(await head()).to.equal(after);
    const updates = (await events()).filter(({ type }) => type === "POLICY_UPDATED");
    const payloads = updates.map(({ payload }) => payload as PolicyUpdated);
    expect(payloads.map(({ version, defaultVersion }) => [version, defaultVersion])).to.deep.equal([
      [1, 1],
      [2, 1],
      [2, 2],
    ]);
    expect(new Set(updates.map(({ idempotencyKey }) => idempotencyKey)).size).to.equal(3);
    const { world } = await answer(WorldService.method.getWorld, { worldId: "alpha" });
    expect(world).to.include({ defaultPolicyVersion: 2 });
    const audit = await answer(AuditService.method.listAuditEntries, { worldId: "alpha" });
    expect((audit.entries as JsonObject[]).map(({ action }) => action)).to.deep.equal([
      "world_created",
      "policy_created",
      "policy_created",
      "default_policy_set",
    ]);
  });

  it("tells the default of a world that is registered later", async () => {
    await create({ body: {} });
    const { world } = await answer(WorldService.method.createWorld, {
      world: { worldId: "alpha", name: "A" },
    });
    expect(world).to.include({ defaultPolicyVersion: 1 });
  });

  it("answers POLICY_NOT_FOUND for what there is not", async () => {
    expectGolden("v1/get-policy.no-policy", await call(getPolicy, { worldId: "alpha" }));
    await create({ body: {} });
    expectGolden("v1/get-policy.no-version", await call(getPolicy, { worldId: "alpha", version: 2 }));
    expectGolden(
      "v1/set-default-policy.no-version",
      await call(setDefaultPolicy, { worldId: "alpha", version: 2 }),
    );
  });

  it("refuses policies for a deleted world", async () => {
    await answer(WorldService.method.createWorld, { world: { worldId: "alpha", name: "A" } });
    await answer(WorldService.method.deleteWorld, { worldId: "alpha" });
    const outcome = await call(createPolicy, { worldId: "alpha", body: {} });
    expect(outcome).to.have.nested.property("error.errorInfo[0].reason", "WORLD_NOT_FOUND");
  });

  const deep = (levels: number): JsonObject => {
    let body: JsonObject = { metric: "sharpe" };
    for (let i = 0; i < levels; i++) body = { thresholds: body };
    return body;
  };
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`t${i}`, { min: 0 }]));
  const REFUSED: Record<string, JsonObject> = {
    "k-of-zero": { body: { top_k: { metric: "sharpe", k: 0 } } },
    "k-not-whole": { body: { top_k: { metric: "sharpe", k: 1.5 } } },
    "contradictory-bounds": { body: { thresholds: { t: { metric: "sharpe", min: 2, max: 1 } } } },
    "contradictory-hysteresis": { body: { hysteresis: { metric: "sharpe", enter: 1, exit: 2 } } },
    "correlation-above-one": { body: { correlation: { max: 1.5 } } },
    "unknown-key": { body: { top: 3 } },
    "unknown-metric": { body: { thresholds: { t: { metric: "alpha_performance.sharp", min: 1 } } } },
    "wrong-types": { body: { thresholds: [1], top_k: "ten", hysteresis: 1 } },
    "deep-nesting": { body: deep(50) },
    "too-many-values": { body: { thresholds: wide } },
    "long-text": { body: { thresholds: { t: { metric: "x".repeat(100_000), min: 1 } } } },
    "no-source": {},
    "unspecified-preset": { preset: "POLICY_PRESET_UNSPECIFIED" },
  };
  it("refuses nesting without bottom before it is read", async () => {
    const client = createClient(PolicyService, open.transport);
    const error = await client
      .createPolicy({ worldId: "alpha", source: { case: "body", value: deep(1000) } })
      .then(
        () => expect.fail("was taken"),
        (thrown: unknown) => ConnectError.from(thrown),
      );
    expect(error.code).to.equal(Code.InvalidArgument);
    expect(error.rawMessage).to.include("recursion depth");
    expect(await head()).to.equal(0);
  });

  for (const [name, source] of Object.entries(REFUSED)) {
    it(`refuses ${name} and stores nothing`, async () => {
      const outcome = await call(createPolicy, { worldId: "alpha", ...source });
      expectGolden(`v1/create-policy.refuses-${name}`, outcome);
      expect(outcome).to.have.nested.property("error.errorInfo[0].reason", "INVALID_FIELD");
      expect(await head()).to.equal(0);
    });
  }
});
