import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import fc from "fast-check";
import * as v1Allocation from "#gen/worldservice/v1/allocation_service_pb.ts";
import * as v1 from "#gen/worldservice/v1/rebalance_service_pb.ts";
import * as v2Allocation from "#gen/worldservice/v2/allocation_service_pb.ts";
import * as v2 from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { BULK_DECODERS } from "../../../../src/rpc/wire/bulk-decoders.ts";
import { positionsOf } from "../../../../src/rpc/wire/positions.ts";
import * as wire from "./support.ts";

const planV1: wire.RequestKind<v1.PlanRebalanceRequest> = {
  schema: v1.PlanRebalanceRequestSchema,
  carrierOf: (message) => message.rebalance,
};
const planV2: wire.RequestKind<v2.PlanRebalanceRequest> = {
  schema: v2.PlanRebalanceRequestSchema,
  carrierOf: (message) => message.rebalance,
};
const executeV2: wire.RequestKind<v2.ExecuteRebalanceRequest> = {
  schema: v2.ExecuteRebalanceRequestSchema,
  carrierOf: (message) => message.rebalance,
};
const upsertV1: wire.RequestKind<v1Allocation.UpsertAllocationsRequest> = {
  schema: v1Allocation.UpsertAllocationsRequestSchema,
  carrierOf: (message) => message,
};
const upsertV2: wire.RequestKind<v2Allocation.UpsertAllocationsRequest> = {
  schema: v2Allocation.UpsertAllocationsRequestSchema,
  carrierOf: (message) => message,
};

function expectSame<M extends Message>(kind: wire.RequestKind<M>, bytes: Uint8Array): wire.Understood {
  const expected = wire.byProtobuf(kind, bytes);
  expect(wire.byHand(kind, bytes)).to.deep.equal(expected);
  return expected;
}

/** A row in the layout most libraries write. */
const plainRow = wire.fields(
  wire.text(1, "w1"),
  wire.text(2, "s1"),
  wire.text(3, "BTCUSDT"),
  wire.text(4, "binance"),
  wire.double(5, -2.5),
  wire.double(6, 64_000),
);

const rebalanceOf = (...rows: Uint8Array[]) =>
  wire.fields(wire.bytes(1, wire.fields(...rows.map((row) => wire.bytes(5, row)))));

const tableOf = (...columns: readonly wire.Part[]) =>
  wire.fields(wire.bytes(1, wire.fields(wire.bytes(15, wire.fields(...columns)))));

const isRead = (understood: wire.Understood): boolean => understood.error === undefined;

describe("bulk decoders", () => {
  it("exist for every request that carries positions", () => {
    expect([...BULK_DECODERS.keys()]).to.have.members(
      ["v1", "v2"].flatMap((version) =>
        ["PlanRebalance", "ApplyRebalance", "ExecuteRebalance", "UpsertAllocations"].map(
          (method) => `worldservice.${version}.${method}Request`,
        ),
      ),
    );
  });

  it("read rows into columns and leave no row in the message", () => {
    const decode = BULK_DECODERS.get(planV1.schema.typeName);
    const message = decode?.(rebalanceOf(plainRow, plainRow)) as v1.PlanRebalanceRequest;
    const carrier = message.rebalance as v1.RebalanceRequest;
    expect(carrier.positions).to.deep.equal([]);
    const { columns, source } = positionsOf(carrier, "rebalance");
    expect(source).to.equal("rows");
    expect(columns).to.deep.include({ count: 2, worlds: ["w1"], symbols: ["BTCUSDT"], venues: ["binance"] });
    expect([...columns.venue, ...columns.qty, ...columns.mark]).to.deep.equal([
      1, 1, -2.5, -2.5, 64_000, 64_000,
    ]);
  });

  const rowCases: Record<string, Uint8Array> = {
    "an empty row": new Uint8Array(0),
    "no venue": wire.fields(wire.text(1, "w"), wire.text(2, "s"), wire.text(3, "x"), wire.double(5, 1)),
    "the empty venue": wire.fields(wire.text(1, "w"), wire.text(2, "s"), wire.text(3, "x"), wire.text(4, "")),
    "fields in reverse order": wire.fields(
      wire.double(6, 2),
      wire.double(5, 1),
      wire.text(4, "v"),
      wire.text(3, "x"),
      wire.text(2, "s"),
      wire.text(1, "w"),
    ),
    "a number twice, of which the last counts": wire.fields(
      wire.raw(plainRow),
      wire.double(5, 7),
      wire.double(6, 8),
    ),
    "a text twice, of which the last counts": wire.fields(wire.raw(plainRow), wire.text(1, "other")),
    "unknown fields of every kind": wire.fields(
      wire.varint(7, 300),
      wire.raw(plainRow),
      wire.text(8, "note"),
      wire.double(9, 1),
      wire.fixed32(4000, 1),
    ),
    "an unknown group": wire.fields(wire.raw(plainRow), wire.group(9, plainRow)),
    "ids beyond ASCII": wire.fields(wire.text(1, "세계"), wire.text(2, "🚀"), wire.text(3, "é")),
    "a byte order mark": wire.fields(wire.text(1, "\ufeffw"), wire.text(2, "w")),
    "an id of 10,000 characters": wire.fields(wire.text(1, "x".repeat(10_000))),
    "NaN and infinities": wire.fields(
      wire.text(1, "w"),
      wire.double(5, Number.NaN),
      wire.double(6, -Infinity),
    ),
    "negative zero": wire.fields(wire.text(1, "w"), wire.double(5, -0)),
    "a length in more bytes than needed": wire.fields(wire.raw(Uint8Array.of(0x0a, 0x81, 0x00, 0x77))),
    "a tag in more bytes than needed": wire.fields(wire.raw(Uint8Array.of(0x8a, 0x00, 0x01, 0x77))),
  };
  for (const [name, row] of Object.entries(rowCases)) {
    it(`read a row with ${name} as protobuf-es does`, () => {
      expect(isRead(expectSame(planV1, rebalanceOf(plainRow, row, plainRow)))).to.equal(true);
      expect(isRead(expectSame(planV2, rebalanceOf(row)))).to.equal(true);
    });
  }

  const brokenRows: Record<string, Uint8Array> = {
    "invalid UTF-8": wire.fields(wire.bytes(1, Uint8Array.of(0xc3, 0x28))),
    "a cut number": wire.fields(wire.text(1, "w")).subarray(0, 2),
    "the field number 0": wire.fields(wire.raw(Uint8Array.of(0x02, 0x00))),
    "a wire type that does not exist": wire.fields(wire.raw(Uint8Array.of(0x0f))),
    "the end of a group that never began": wire.fields(wire.raw(Uint8Array.of(0x4c))),
  };
  for (const [name, row] of Object.entries(brokenRows)) {
    it(`refuse a row with ${name} as protobuf-es does`, () => {
      expect(isRead(expectSame(planV2, rebalanceOf(row)))).to.equal(false);
    });
  }

  it("understand rows that lie between other fields", () => {
    const carrier = wire.fields(
      wire.bytes(5, plainRow),
      wire.double(2, 1e6),
      wire.bytes(5, plainRow),
      wire.bytes(3, wire.fields(wire.text(1, "w1"), wire.double(2, 0.5))),
      wire.varint(99, 1),
      wire.bytes(5, plainRow),
    );
    const { positions } = expectSame(
      executeV2,
      wire.fields(wire.varint(3, 1), wire.bytes(2, carrier), wire.text(1, "r")),
    );
    expect(positions).to.have.nested.property("columns.count", 3);
  });

  it("merge a carrier that stands twice, as protobuf does", () => {
    const one = wire.bytes(1, wire.fields(wire.bytes(5, plainRow), wire.double(2, 5)));
    const { positions } = expectSame(planV2, wire.fields(one, one));
    expect(positions).to.have.nested.property("columns.count", 2);
  });

  it("merge a table that stands twice, as protobuf does", () => {
    const table = wire.bytes(
      15,
      wire.fields(wire.text(1, "w"), wire.text(2, "s"), wire.text(3, "x"), ...oneRowOf(0)),
    );
    const { positions } = expectSame(planV2, wire.fields(wire.bytes(1, wire.fields(table, table))));
    expect(positions).to.have.nested.property("columns.count", 2);
  });

  it("leave a value that runs over the end of its message to protobuf-es", () => {
    // The map entry claims three bytes and holds a key of eight: protobuf-es reads on into what follows.
    const overrun = wire.raw(Uint8Array.of(0x1a, 0x03, 0x0a, 0x08, 0x61));
    const carrier = wire.fields(overrun, wire.bytes(5, plainRow), wire.bytes(5, plainRow));
    expectSame(planV2, wire.fields(wire.bytes(1, carrier)));
  });

  it("read positions of UpsertAllocations of both packages", () => {
    const request = wire.fields(wire.text(1, "run"), wire.bytes(4, plainRow), wire.varint(9, 1));
    expect(expectSame(upsertV1, request).positions).to.have.nested.property("columns.count", 1);
    expect(expectSame(upsertV2, request).positions).to.have.nested.property("columns.count", 1);
    const table = wire.bytes(
      17,
      wire.fields(wire.text(1, "w"), wire.text(2, "s"), wire.text(3, "x"), ...oneRowOf(0)),
    );
    expect(expectSame(upsertV2, wire.fields(table)).positions).to.have.property("source", "table");
  });

  const tableCases: Record<string, Uint8Array> = {
    "unpacked columns": tableOf(wire.text(1, "w"), wire.text(2, "s"), wire.text(3, "x"), ...oneRowOf(0)),
    "packed columns in several pieces": tableOf(
      wire.text(1, "w"),
      wire.text(2, "s"),
      wire.text(3, "x"),
      ...[5, 6, 7, 8].flatMap((no) => [
        wire.bytes(no, Uint8Array.of(0, 0)),
        wire.varint(no, 0),
        wire.bytes(no, Uint8Array.of(0)),
      ]),
      ...[9, 10].flatMap((no) => [wire.bytes(no, new Uint8Array(24)), wire.double(no, 1.5)]),
    ),
    "no row": tableOf(),
    "an unknown field and a group": tableOf(wire.text(20, "note"), wire.group(21, new Uint8Array(0))),
    "a name that no row uses": tableOf(
      wire.text(1, "w"),
      wire.text(1, "unused"),
      wire.text(2, "s"),
      wire.text(3, "x"),
      ...oneRowOf(0),
    ),
    "unequal columns": tableOf(wire.text(1, "w"), wire.varint(5, 0), wire.double(9, 1)),
    "an index without a name": tableOf(
      wire.text(1, "w"),
      wire.text(2, "s"),
      wire.text(3, "x"),
      ...oneRowOf(1),
    ),
    "an index of five bytes": tableOf(
      wire.text(1, "w"),
      wire.bytes(5, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)),
    ),
    "an index beyond 32 bits": tableOf(
      wire.text(1, "w"),
      wire.bytes(5, Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x10)),
    ),
  };
  for (const [name, request] of Object.entries(tableCases)) {
    it(`read a table with ${name} as protobuf-es does`, () => {
      expect(isRead(expectSame(planV2, request))).to.equal(true);
    });
  }

  it("give a table's positions the columns that the same rows have", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), (positions) => {
        const rows = toBinary(planV2.schema, create(planV2.schema, { rebalance: { positions } }));
        const table = toBinary(
          planV2.schema,
          create(planV2.schema, { rebalance: { positionTable: tabled(positions) } }),
        );
        const columns = (bytes: Uint8Array) =>
          (wire.byHand(planV2, bytes).positions as { columns: unknown }).columns;
        expect(columns(table)).to.deep.equal(columns(rows));
      }),
    );
  });

  it("understand every request as protobuf-es does", () => {
    fc.assert(fc.property(requestV1, (request) => void expectSame(planV1, toBinary(planV1.schema, request))));
    fc.assert(fc.property(requestV2, (request) => void expectSame(planV2, toBinary(planV2.schema, request))));
  });

  it("understand or refuse every damaged request as protobuf-es does", () => {
    fc.assert(
      fc.property(requestV2, fc.array(damage, { minLength: 1, maxLength: 4 }), (request, damages) => {
        let bytes: Uint8Array = toBinary(planV2.schema, request);
        for (const one of damages) bytes = damaged(bytes, one);
        expectSame(planV2, bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("understand or refuse any bytes as protobuf-es does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expectSame(planV2, bytes);
        expectSame(planV2, wire.fields(wire.bytes(1, bytes)));
        expectSame(planV2, rebalanceOf(plainRow, bytes));
        expectSame(planV2, tableOf(wire.raw(bytes)));
        expectSame(upsertV2, bytes);
      }),
      { numRuns: 500 },
    );
  });
});

/** One row of a table, unpacked: every index the same, no venue. */
function oneRowOf(index: number) {
  return [
    ...[5, 6, 7].map((no) => wire.varint(no, index)),
    wire.varint(8, 0),
    wire.double(9, 1),
    wire.double(10, 2),
  ];
}

const id = fc.oneof(
  fc.constantFrom("a", "b", "w1", "세계", "BTCUSDT"),
  fc.string({ maxLength: 12, unit: "grapheme" }),
);
const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1.5, Number.NaN));
const row = fc.record(
  { worldId: id, strategyId: id, symbol: id, venue: id, qty: number, mark: number },
  { requiredKeys: ["worldId", "strategyId", "symbol", "qty", "mark"] },
);
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

const shares = fc.dictionary(fc.constantFrom("a", "b", "w1"), number);
const common = {
  schemaVersion: fc.integer({ min: -2, max: 3 }),
  totalEquity: number,
  worldAllocBefore: shares,
  strategyAllocAfterTotal: fc.dictionary(fc.constantFrom("a", "w1"), fc.record({ ratios: shares })),
  positions: fc.array(row, { maxLength: 8 }),
};
const requestV1 = fc
  .record({ rebalance: fc.record(common, { requiredKeys: [] }) })
  .map((init) => create(v1.PlanRebalanceRequestSchema, init));
const requestV2 = fc
  .record({
    rebalance: fc.record(
      {
        ...common,
        constraints: fc.array(fc.record({ symbol: id, aliases: fc.array(id), lotSize: number }), {
          maxLength: 2,
        }),
        alphaSeries: fc.array(
          fc.record({
            worldId: id,
            series: fc.record({
              case: fc.constant("returns" as const),
              value: fc.record({ values: fc.array(number) }),
            }),
          }),
          { maxLength: 2 },
        ),
        rebalanceIntent: fc.record({ meta: fc.dictionary(id, fc.oneof(id, fc.integer())) }),
        positionTable: fc.array(row, { maxLength: 8 }).map(tabled),
      },
      { requiredKeys: [] },
    ),
  })
  .map((init) => create(v2.PlanRebalanceRequestSchema, init));

/** A table with a dictionary entry per row, so that names repeat. */
function tabled(rows: readonly Row[]) {
  const venues = rows.flatMap(({ venue }) => (venue === undefined ? [] : [venue]));
  let lastVenue = 0;
  return {
    worlds: rows.map(({ worldId }) => worldId),
    strategies: rows.map(({ strategyId }) => strategyId),
    symbols: rows.map(({ symbol }) => symbol),
    venues,
    world: rows.map((_, at) => at),
    strategy: rows.map((_, at) => at),
    symbol: rows.map((_, at) => at),
    venue: rows.map(({ venue }) => (venue === undefined ? 0 : ++lastVenue)),
    qty: rows.map(({ qty }) => qty),
    mark: rows.map(({ mark }) => mark),
  };
}

interface Damage {
  readonly how: "change" | "insert" | "remove" | "cut";
  readonly where: number;
  readonly byte: number;
}
const damage: fc.Arbitrary<Damage> = fc.record({
  how: fc.constantFrom("change", "change", "insert", "remove", "cut"),
  where: fc.nat(),
  byte: fc.integer({ min: 0, max: 255 }),
});

function damaged(bytes: Uint8Array, { how, where, byte }: Damage): Uint8Array {
  const at = bytes.length === 0 ? 0 : where % bytes.length;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  switch (how) {
    case "change":
      return Buffer.concat([before, Uint8Array.of(byte), after]);
    case "insert":
      return Buffer.concat([before, Uint8Array.of(byte), bytes.subarray(at)]);
    case "remove":
      return Buffer.concat([before, after]);
    case "cut":
      return bytes.slice(0, at);
  }
}
