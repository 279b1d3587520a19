import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import fc from "fast-check";
import * as v1 from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { UpsertAllocationsRequestSchema } from "#gen/worldservice/v2/allocation_service_pb.ts";
import * as v2 from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { compileWriter } from "../../../../src/rpc/wire/compile-writer.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Not tied to the schema's type: the shapes made here are looser than what handlers may return. */
function expectSame(schema: DescMessage, init: MessageInitShape<DescMessage>): void {
  expect(hex(compileWriter(schema)(init))).to.equal(hex(toBinary(schema, create(schema, init))));
}

const text = fc.oneof(
  fc.string({ maxLength: 12, unit: "grapheme" }),
  fc.string({ minLength: 60, maxLength: 140 }),
  fc.constantFrom("", "BTCUSDT", "세계", "\ud800"),
);
const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN));
const some = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(shape, { requiredKeys: [] });
const map = <T>(value: fc.Arbitrary<T>) => fc.dictionary(text, value, { maxKeys: 4 });
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });

const delta = some({
  symbol: text,
  venue: text,
  deltaQty: number,
  mark: number,
  notional: number,
  residualQty: number,
});
const plan = some({
  schemaVersion: fc.integer(),
  perWorld: map(
    some({ worldId: text, scaleWorld: number, scaleByStrategy: map(number), deltas: list(delta) }),
  ),
  globalDeltas: list(delta),
  warnings: list(some({ code: fc.integer({ min: 0, max: 12 }), worldId: text, venue: text, message: text })),
  overlayDeltas: list(some({ worldId: text, symbol: text, deltaQty: number, price: number })),
  alphaMetrics: fc.constantFrom({}, { missing: [{ worldId: "w" }] }),
  rebalanceIntent: some({ meta: map(fc.oneof(text, fc.boolean(), fc.constant(null))) }),
  skipped: list(
    some({ reason: fc.integer({ min: 0, max: 8 }), symbol: text, venue: text, notional: number }),
  ),
  downgraded: fc.boolean(),
});

describe("compileWriter", () => {
  it("writes every plan as protobuf-es does", () => {
    fc.assert(fc.property(plan, (init) => expectSame(v2.PlanRebalanceResponseSchema, { plan: init })));
    fc.assert(
      fc.property(plan, ({ schemaVersion = 0, perWorld = {}, globalDeltas = [], warnings = [] }) =>
        expectSame(v1.ApplyRebalanceResponseSchema, {
          runId: "r",
          replayed: true,
          plan: { schemaVersion, perWorld, globalDeltas, warnings },
        }),
      ),
    );
  });

  it("writes messages as it writes what they are made of", () => {
    fc.assert(
      fc.property(plan, (init) => {
        const schema: DescMessage = v2.RebalancePlanSchema;
        const message = create(schema, init);
        expect(hex(compileWriter(schema)(message))).to.equal(hex(toBinary(schema, message)));
      }),
    );
  });

  it("writes a length of several bytes before what is long", () => {
    for (const count of [1, 2, 3, 200, 20_000]) {
      const globalDeltas = Array.from({ length: count }, (_, at) => ({ symbol: `S${at}`, deltaQty: at }));
      expectSame(v2.PlanRebalanceResponseSchema, { plan: { globalDeltas } });
    }
  });

  it("writes packed and unpacked lists, and what protobuf-es must write", () => {
    expectSame(UpsertAllocationsRequestSchema, {
      worldAllocations: { w: 0, x: 1 },
      mode: { case: "overlay", value: { instrumentByWorld: { w: "ES" } } },
      rebalanceIntent: { meta: { deep: { list: [1, "two"] } } },
      positionTable: { worlds: ["w", ""], world: [0, 300, 2 ** 32 - 1], qty: [1.5, -0] },
    });
  });

  it("keeps fields that it does not know", () => {
    const plan = create(v2.RebalancePlanSchema, { globalDeltas: [{ symbol: "x" }] });
    plan.$unknown = [{ no: 900, wireType: 0, data: Uint8Array.of(7) }];
    const [first] = plan.globalDeltas;
    if (first !== undefined) first.$unknown = [{ no: 901, wireType: 0, data: Uint8Array.of(8) }];
    expectSame(v2.PlanRebalanceResponseSchema, { plan });
    expectSame(v2.PlanRebalanceResponseSchema, { plan: { globalDeltas: plan.globalDeltas } });
  });

  it("refuses a number that does not fit its field, as protobuf-es does", () => {
    const write = compileWriter(v2.PlanRebalanceResponseSchema);
    for (const schemaVersion of [1.5, 2 ** 31, Number.NaN]) {
      expect(() => write({ plan: { schemaVersion } })).to.throw(/schema_version.*int32/);
    }
  });
});
