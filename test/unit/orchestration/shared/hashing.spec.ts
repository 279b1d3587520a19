import { expect } from "chai";
import type { PositionColumns } from "../../../../src/domain/rebalance/types.ts";
import { EMPTY_WORLD_STATE } from "../../../../src/domain/state/world-state.ts";
import { requestHash, sha256, stateHash } from "../../../../src/orchestration/shared/hashing.ts";

function positions(changes: Partial<PositionColumns> = {}): PositionColumns {
  return {
    count: 2,
    worlds: ["a"],
    strategies: ["s"],
    symbols: ["x", "y"],
    venues: ["v"],
    world: Uint32Array.of(0, 0),
    strategy: Uint32Array.of(0, 0),
    symbol: Uint32Array.of(0, 1),
    venue: Uint32Array.of(0, 1),
    qty: Float64Array.of(1, 2),
    mark: Float64Array.of(10, 20),
    ...changes,
  };
}

const hashOf = (parts: object, columns: PositionColumns) => requestHash(parts, columns, []);

describe("hashes", () => {
  it("are SHA-256 with its prefix", () => {
    expect(sha256("")).to.equal("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("of requests do not depend on the order in which fields and map keys were set", () => {
    const one = hashOf(
      {
        a: 1,
        m: new Map([
          ["10", 1],
          ["2", 2],
        ]),
      },
      positions(),
    );
    const two = hashOf(
      {
        m: new Map([
          ["2", 2],
          ["10", 1],
        ]),
        a: 1,
      },
      positions(),
    );
    expect(one).to.equal(two);
  });

  it("of requests depend on every column, and on which column a number stands in", () => {
    const changes: Partial<PositionColumns>[] = [
      { worlds: ["b"] },
      { strategies: ["t"] },
      { symbols: ["x", "z"] },
      { venues: [""] },
      { symbol: Uint32Array.of(1, 0) },
      { venue: Uint32Array.of(1, 0) },
      { qty: Float64Array.of(2, 1) },
      { qty: Float64Array.of(1, 2.0000000000000004) },
      { mark: Float64Array.of(10, 21) },
      { qty: Float64Array.of(10, 20), mark: Float64Array.of(1, 2) },
    ];
    const hashes = [{}, ...changes].map((change) => hashOf({}, positions(change)));
    expect(new Set(hashes).size).to.equal(hashes.length);
  });

  it("of columns are those of their own part of a shared buffer", () => {
    const shared = Float64Array.of(99, 1, 2, 99);
    expect(hashOf({}, positions({ qty: shared.subarray(1, 3) }))).to.equal(hashOf({}, positions()));
  });

  it("of a world's state change with its allocation", () => {
    const allocation = {
      worldId: "a",
      allocation: 0.5,
      runId: "r",
      etag: "e",
      strategyAllocTotal: undefined,
      updatedAtMs: 1,
    };
    const hashes = [
      stateHash(EMPTY_WORLD_STATE),
      stateHash({ ...EMPTY_WORLD_STATE, allocation }),
      stateHash({ ...EMPTY_WORLD_STATE, allocation: { ...allocation, allocation: 0.50000000000000011 } }),
      stateHash({ ...EMPTY_WORLD_STATE, allocation: { ...allocation, strategyAllocTotal: new Map() } }),
    ];
    expect(new Set(hashes).size).to.equal(hashes.length);
  });
});
