import { expect } from "chai";
import type { OperationCounter } from "../../../../src/domain/rebalance/index.ts";
import { internPairs } from "../../../../src/domain/rebalance/intern.ts";

/** Groups rows by pair with the plainest means. */
function oracle(left: Uint32Array, right: Uint32Array): { ids: number[]; firstRow: number[] } {
  const seen = new Map<string, number>();
  const firstRow: number[] = [];
  const ids = [...left].map((value, row) => {
    const pair = `${value}/${right[row]}`;
    const id = seen.get(pair) ?? seen.size;
    if (id === seen.size) {
      seen.set(pair, id);
      firstRow.push(row);
    }
    return id;
  });
  return { ids, firstRow };
}

function expectGroups(left: Uint32Array, right: Uint32Array, leftSize: number, rightSize: number): void {
  const want = oracle(left, right);
  const got = internPairs(left, right, left.length, leftSize, rightSize);
  expect(got.size).to.equal(want.firstRow.length);
  expect([...got.ids]).to.deep.equal(want.ids);
  expect([...got.firstRow.subarray(0, got.size)]).to.deep.equal(want.firstRow);
}

const pattern = (count: number, step: number, below: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, row) => (Math.imul(row, step) % below) >>> 0).map(
    (value) => value % below,
  );

describe("grouping of rows by pairs", () => {
  it("numbers groups in order of their first row, through a direct table", () => {
    expectGroups(Uint32Array.of(3, 1, 3, 0), Uint32Array.of(1, 1, 1, 0), 4, 2);
  });

  it("numbers them the same way through a hash table, growing as groups appear", () => {
    expectGroups(pattern(5000, 7919, 100_003), pattern(5000, 104_729, 1_000_003), 100_003, 1_000_003);
  });

  it("tells indexes apart that use all 32 bits", () => {
    const far = 2 ** 32 - 1;
    expectGroups(Uint32Array.of(far, 0, far, 0), Uint32Array.of(0, far, 0, 0), 2 ** 32, 2 ** 32);
  });

  it("gives no groups for no rows", () => {
    expectGroups(new Uint32Array(0), new Uint32Array(0), 0, 0);
  });

  it("looks at a bounded number of slots per row when keys were chosen to collide", () => {
    const { left, right } = collidingPairs(2000);
    const counter: OperationCounter = { operations: 0 };
    internPairs(left, right, left.length, 2 ** 32, 2 ** 32, counter);
    expect(counter.operations).to.be.lessThan(20 * left.length);
    expectGroups(left, right, 2 ** 32, 2 ** 32);
  });
});

/** Pairs that fall into the same 1,024th of any table under the first way of mixing. */
function collidingPairs(count: number): { left: Uint32Array; right: Uint32Array } {
  const left = new Uint32Array(count);
  const right = new Uint32Array(count);
  let found = 0;
  for (let value = 0; found < count; value++) {
    if ((firstMix(0, value) & 0x3ff) !== 0) continue;
    right[found++] = value;
  }
  return { left, right };
}

/** The first mixing of the hash table, repeated here so that the attack is a real one. */
function firstMix(left: number, right: number): number {
  const factor = 0x9e3779b1;
  let hash = Math.imul(left ^ (left >>> 15), factor) ^ Math.imul(right + factor, 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 15), factor);
  return (hash ^ (hash >>> 13)) >>> 0;
}
