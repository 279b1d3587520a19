import { create, toJson } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { fromTimestamp, toTimestamp } from "../../../../src/rpc/alpha/series.ts";

const LAST_SECOND = 253_402_300_799n;

const roundTrip = (seconds: bigint, nanos: number) =>
  toTimestamp(fromTimestamp(create(TimestampSchema, { seconds, nanos })));

describe("times of series", () => {
  it("keep their microseconds", () => {
    expect(roundTrip(1_767_225_600n, 123_456_789)).to.deep.equal({
      seconds: 1_767_225_600n,
      nanos: 123_456_000,
    });
  });

  it("never round up beyond the last moment that a Timestamp can hold", () => {
    const last = create(TimestampSchema, roundTrip(LAST_SECOND, 999_999_999));
    expect(last.seconds).to.equal(LAST_SECOND);
    expect(toJson(TimestampSchema, last)).to.match(/^9999-12-31T23:59:59/);
  });

  it("that are no times are NaN", () => {
    expect(fromTimestamp(create(TimestampSchema, { seconds: LAST_SECOND + 1n }))).to.satisfy(Number.isNaN);
    expect(fromTimestamp(create(TimestampSchema, { nanos: -1 }))).to.satisfy(Number.isNaN);
  });
});
