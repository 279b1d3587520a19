import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "chai";
import { SubscribeRequestSchema } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { PlanRebalanceRequestSchema } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { DomainError } from "../../../../src/domain/errors.ts";
import { fieldPath, validateRequest } from "../../../../src/rpc/interceptors/validate-request.ts";

/** The fields a plan request is refused for. */
function refusedFields(
  rebalance: MessageInitShape<typeof PlanRebalanceRequestSchema>["rebalance"],
): string[] {
  try {
    validateRequest(
      PlanRebalanceRequestSchema,
      create(PlanRebalanceRequestSchema, rebalance ? { rebalance } : {}),
    );
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.reason).to.equal("INVALID_FIELD");
    for (const { description } of error.violations) expect(description).not.to.equal("");
    return error.violations.map((violation) => violation.field);
  }
  return [];
}

describe("validateRequest", () => {
  it("lets a valid request pass", () => {
    expect(refusedFields({ totalEquity: 100, worldAllocAfter: { w1: 0.5 } })).to.deep.equal([]);
  });

  it("names a missing message, a scalar, a map value and a map key, all at once", () => {
    expect(refusedFields(undefined)).to.deep.equal(["rebalance"]);
    const fields = refusedFields({
      totalEquity: Number.NaN,
      worldAllocBefore: { w1: Number.POSITIVE_INFINITY, ["x".repeat(129)]: 0 },
      lotSizeBySymbol: { "a\nb": 1, AAPL: -1 },
    });
    expect(fields).to.include.members([
      "rebalance.total_equity",
      'rebalance.world_alloc_before["w1"]',
      `rebalance.world_alloc_before["${"x".repeat(129)}"]`,
      'rebalance.lot_size_by_symbol["a\\nb"]',
      'rebalance.lot_size_by_symbol["AAPL"]',
    ]);
  });

  it("names an element of a list by its index", () => {
    const request = create(SubscribeRequestSchema, { worldIds: ["a", "b", ""] });
    expect(() => validateRequest(SubscribeRequestSchema, request)).to.throw(DomainError, "world_ids[2]");
  });

  it("leaves bulk rows to whoever reads them", () => {
    expect(refusedFields({ positions: [{ worldId: "", qty: Number.NaN }] })).to.deep.equal([]);
  });
});

describe("fieldPath", () => {
  it("writes lists, maps of every key type and nested fields as callers write them", () => {
    const rebalance = PlanRebalanceRequestSchema.field.rebalance;
    if (rebalance.message === undefined) throw new Error("rebalance is a message");
    const positions = rebalance.message.fields.find((field) => field.name === "positions");
    const qty = positions?.message?.fields.find((field) => field.name === "qty");
    if (positions === undefined || qty === undefined) throw new Error("the proto has changed");
    expect(fieldPath([rebalance, positions, { kind: "list_sub", index: 3 }, qty])).to.equal(
      "rebalance.positions[3].qty",
    );
    expect(fieldPath([positions, { kind: "map_sub", key: 7n }])).to.equal("positions[7]");
    expect(fieldPath([positions, { kind: "map_sub", key: true }])).to.equal("positions[true]");
    expect(fieldPath([positions, { kind: "map_sub", key: 'a"\u0000' }])).to.equal('positions["a\\"\\u0000"]');
    expect(fieldPath([])).to.equal("");
  });
});
