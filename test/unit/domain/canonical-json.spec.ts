import { expect } from "chai";
import fc from "fast-check";
import { canonicalJson } from "../../../src/domain/canonical-json.ts";

describe("canonical JSON", () => {
  it("sorts keys by their UTF-8 bytes, of objects and maps alike", () => {
    const entries = [
      ["b", 1],
      ["10", 2],
      ["2", 3],
      ["__proto__", 4],
      ["\u{10000}", 5],
      ["\uffff", 6],
      ["é", 7],
    ] as const;
    const text = '{"10":2,"2":3,"__proto__":4,"b":1,"é":7,"\uffff":6,"\u{10000}":5}';
    expect(canonicalJson(new Map(entries))).to.equal(text);
    expect(canonicalJson(Object.fromEntries(entries))).to.equal(text);
  });

  it("leaves out what is undefined and writes numbers as ECMAScript prints them", () => {
    expect(canonicalJson({ a: undefined, b: [-0, 1e21, 5e-324, 0.1, 100] })).to.equal(
      '{"b":[0,1e+21,5e-324,0.1,100]}',
    );
  });

  it("has no text for what is not a number, nor for infinities", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => canonicalJson({ value }), String(value)).to.throw(RangeError);
    }
  });

  it("reads back as what it was written for, and does not depend on the order of keys", () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, turned(inner)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).to.equal(text);
        expect(canonicalJson(turned(value))).to.equal(text);
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
