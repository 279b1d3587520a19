import { create, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { UpsertAllocationsRequestSchema } from "#gen/worldservice/v2/allocation_service_pb.ts";
import {
  type PlanRebalanceRequest,
  PlanRebalanceRequestSchema,
  type RebalanceRequest,
  RebalanceRequestSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { DomainError, type FieldViolation } from "../../../../src/domain/errors.ts";
import { BULK_DECODERS } from "../../../../src/rpc/wire/bulk-decoders.ts";
import { type PositionCarrier, positionsOf } from "../../../../src/rpc/wire/positions.ts";

const position = { worldId: "w", strategyId: "s", symbol: "x", qty: 1, mark: 2 };
const table = {
  worlds: ["w"],
  strategies: ["s"],
  symbols: ["x"],
  venues: ["v"],
  world: [0, 0],
  strategy: [0, 0],
  symbol: [0, 0],
  venue: [0, 1],
  qty: [1, 2],
  mark: [3, 4],
};

function violationsOf(message: PositionCarrier, path?: string): readonly FieldViolation[] {
  try {
    positionsOf(message, path);
  } catch (error) {
    if (error instanceof DomainError && error.reason === "INVALID_FIELD") return error.violations;
    throw error;
  }
  return [];
}

describe("positionsOf", () => {
  it("makes columns of the rows of a message", () => {
    const rows = [position, { ...position, venue: "v" }, { ...position, worldId: "w2", venue: "" }];
    const { columns, source } = positionsOf(create(RebalanceRequestSchema, { positions: rows }));
    expect(source).to.equal("rows");
    expect(columns.worlds).to.deep.equal(["w", "w2"]);
    expect(columns.venues).to.deep.equal(["v", ""]);
    expect([...columns.venue]).to.deep.equal([0, 1, 2]);
  });

  it("has no row for a message without positions", () => {
    const { columns, source } = positionsOf(create(RebalanceRequestSchema));
    expect(source).to.equal("rows");
    expect(columns.count).to.equal(0);
  });

  it("gives the same columns again", () => {
    const message = create(RebalanceRequestSchema, { positions: [position] });
    expect(positionsOf(message)).to.equal(positionsOf(message));
  });

  it("merges the names a table repeats and drops those no row uses", () => {
    const positionTable = {
      ...table,
      worlds: ["unused", "b", "a", "b"],
      world: [3, 1],
      venues: ["v", "v"],
      venue: [2, 1],
    };
    const { columns, source } = positionsOf(create(RebalanceRequestSchema, { positionTable }));
    expect(source).to.equal("table");
    expect(columns.worlds).to.deep.equal(["b"]);
    expect([...columns.world]).to.deep.equal([0, 0]);
    expect(columns.venues).to.deep.equal(["v"]);
    expect([...columns.venue]).to.deep.equal([1, 1]);
  });

  it("refuses rows and a table together, even an empty table", () => {
    const message = create(RebalanceRequestSchema, { positions: [position], positionTable: {} });
    expect(violationsOf(message, "rebalance").map(({ field }) => field)).to.deep.equal([
      "rebalance.position_table",
    ]);
  });

  it("refuses columns of unequal length and names each of them", () => {
    const message = create(RebalanceRequestSchema, { positionTable: { ...table, strategy: [0], mark: [] } });
    expect(violationsOf(message, "rebalance")).to.deep.equal([
      {
        field: "rebalance.position_table.strategy",
        description: "has 1 entries where rebalance.position_table.world has 2",
      },
      {
        field: "rebalance.position_table.mark",
        description: "has 0 entries where rebalance.position_table.world has 2",
      },
    ]);
  });

  it("refuses an index without a name, by its row", () => {
    const positionTable = { ...table, symbol: [0, 1], venue: [1, 2] };
    const message = create(UpsertAllocationsRequestSchema, { positionTable });
    expect(violationsOf(message)).to.deep.equal([
      { field: "position_table.symbol[1]", description: "index 1 has no name in position_table.symbols" },
      { field: "position_table.venue[1]", description: "index 2 has no name in position_table.venues" },
    ]);
  });

  it("takes the largest index there is for one without a name", () => {
    const message = create(RebalanceRequestSchema, { positionTable: { ...table, world: [0, 2 ** 32 - 1] } });
    expect(violationsOf(message).map(({ field }) => field)).to.deep.equal(["position_table.world[1]"]);
  });

  it("stays linear for ids that were chosen to collide", () => {
    // Whatever the hash, most of these share their words; the readers give up on too many collisions, not on ids.
    const positions = Array.from({ length: 5000 }, (_, at) => ({
      ...position,
      symbol: `${"\u0000".repeat(at % 7)}${at.toString(2).replaceAll("0", "Aa").replaceAll("1", "BB")}`,
    }));
    const init = { rebalance: { positions } };
    const bytes = toBinary(PlanRebalanceRequestSchema, create(PlanRebalanceRequestSchema, init));
    const decode = BULK_DECODERS.get(PlanRebalanceRequestSchema.typeName);
    const message = decode?.(bytes) as PlanRebalanceRequest;
    const { columns } = positionsOf(message.rebalance as PositionCarrier);
    expect(columns.symbols).to.have.length(new Set(positions.map(({ symbol }) => symbol)).size);
  });

  it("reads what the decoders attached, of rows and of tables", () => {
    for (const rebalance of [{ positions: [position, position] }, { positionTable: table }]) {
      const bytes = toBinary(PlanRebalanceRequestSchema, create(PlanRebalanceRequestSchema, { rebalance }));
      const decode = BULK_DECODERS.get(PlanRebalanceRequestSchema.typeName);
      const message = decode?.(bytes) as PlanRebalanceRequest;
      const carrier = message.rebalance as RebalanceRequest;
      expect(carrier.positions).to.deep.equal([]);
      expect(carrier.positionTable).to.equal(undefined);
      expect(positionsOf(carrier).columns.count).to.equal(2);
    }
  });
});
