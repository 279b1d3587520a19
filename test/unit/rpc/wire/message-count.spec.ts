import { create, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { PlanRebalanceRequestSchema } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { DomainError } from "../../../../src/domain/errors.ts";
import { assertFewMessages } from "../../../../src/rpc/wire/message-count.ts";

const MILLION = 1_000_000;
const REBALANCE = 1;
/** Fields of the rebalance. */
const [POSITIONS, MODE, CONSTRAINTS] = [5, 11, 16];

/** A field that holds these bytes. */
function field(number: number, content: Uint8Array): Buffer {
  const head: number[] = [];
  for (let left = (number << 3) | 2; ; left >>>= 7) {
    head.push(left < 0x80 ? left : (left & 0x7f) | 0x80);
    if (left < 0x80) break;
  }
  let left = content.length;
  for (; left >= 0x80; left >>>= 7) head.push((left & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, left]), content]);
}

function many(count: number, number: number, content: Uint8Array = new Uint8Array(0)): Buffer {
  const one = field(number, content);
  return Buffer.alloc(count * one.length, one);
}

function outcome(bytes: Uint8Array): string {
  try {
    assertFewMessages(PlanRebalanceRequestSchema, bytes);
    return "few";
  } catch (error) {
    return error instanceof DomainError ? error.reason : String(error);
  }
}

describe("the count of messages before they are decoded", () => {
  for (const [what, number] of [
    ["positions", POSITIONS],
    ["constraints", CONSTRAINTS],
    ["modes that replace each other", MODE],
  ] as const) {
    it(`refuses millions of empty ${what}`, () => {
      expect(outcome(field(REBALANCE, many(2 * MILLION, number)))).to.equal("MESSAGE_TOO_LARGE");
      expect(outcome(field(REBALANCE, many(MILLION - 10, number)))).to.equal("few");
    });
  }

  it("finds them at any depth, and in maps", () => {
    const series = field(14, many(2 * MILLION, 6)); // times of a series
    expect(outcome(field(REBALANCE, series))).to.equal("MESSAGE_TOO_LARGE");
    expect(outcome(field(REBALANCE, many(2 * MILLION, 3)))).to.equal("MESSAGE_TOO_LARGE"); // world_alloc_before
  });

  it("counts them whatever their wire type says, and fields that nobody knows, at any depth", () => {
    for (const pair of [
      [POSITIONS << 3, 0], // a position as a varint
      [0x78, 0], // field 15 of the request
    ]) {
      const bytes = Buffer.alloc(4 * MILLION, Buffer.from(pair));
      expect(outcome(bytes), String(pair)).to.equal("MESSAGE_TOO_LARGE");
      expect(outcome(field(REBALANCE, bytes)), String(pair)).to.equal("MESSAGE_TOO_LARGE");
    }
    const unknown = Buffer.alloc(4 * MILLION, Buffer.from([0x78, 0]));
    expect(outcome(field(REBALANCE, field(POSITIONS, unknown)))).to.equal("MESSAGE_TOO_LARGE");
  });

  it("refuses what it cannot read to its end: groups, values that do not end", () => {
    const whole = field(REBALANCE, many(2 * MILLION, POSITIONS));
    const group = Buffer.from([0xa3, 0x06, 0xa4, 0x06]);
    for (const bytes of [
      whole.subarray(0, whole.length - 1),
      Buffer.concat([group, whole]),
      field(REBALANCE, Buffer.concat([group, many(2 * MILLION, POSITIONS)])),
    ]) {
      expect(outcome(bytes)).to.equal("INVALID_FIELD");
    }
  });

  it("lets as many rows pass as any message of an ordinary size holds", () => {
    const row = field(1, Buffer.alloc(70, "w"));
    expect(outcome(field(REBALANCE, many(2 * MILLION, POSITIONS, row)))).to.equal("few");
  });

  it("does not look at what is small", () => {
    const small = toBinary(PlanRebalanceRequestSchema, create(PlanRebalanceRequestSchema, {}));
    expect(outcome(small)).to.equal("few");
    expect(outcome(Buffer.alloc(1_000, 0xff))).to.equal("few");
  });
});
