import { expect } from "chai";
import fc from "fast-check";
import { fromStored, toStored } from "../../../src/domain/stored-json.ts";

const again = (value: object): unknown => fromStored(toStored(value));

describe("stored values", () => {
  it("keep the order and the names of map keys that objects would lose", () => {
    const map = new Map([
      ["10", 1],
      ["2", 2],
      ["__proto__", 3],
      ["$map", 4],
      ["", 5],
    ]);
    expect([...(again({ map }) as { map: Map<string, number> }).map]).to.deep.equal([...map]);
  });

  it("keep maps in maps, columns and empty ones", () => {
    const value = {
      nested: new Map([["a", new Map([["b", [new Map(), { c: new Map() }]]])]]),
      columns: [Float64Array.of(0.1, -1e300, 5e-324), Uint32Array.of(0, 4_294_967_295), new Float64Array(0)],
    };
    expect(again(value)).to.deep.equal(value);
  });

  it("do not take callers' own JSON for their tags", () => {
    for (const meta of [
      { $map: 5 },
      { $map: [["a", 1]] },
      { $f64: "x" },
      { $u32: null, other: { $map: {} } },
      { $$map: 1, $: 2, $x: [{ $f64: [1] }] },
    ]) {
      expect(again({ meta })).to.deep.equal({ meta });
    }
  });

  it("keep a property called __proto__, and nobody inherits from it", () => {
    const meta = JSON.parse('{"__proto__":{"polluted":{"$map":1}},"b":{"__proto__":null}}');
    const read = again({ meta }) as { meta: object };
    expect(JSON.stringify(read.meta)).to.equal(JSON.stringify(meta));
    expect("polluted" in {}).to.equal(false);
  });

  it("leave out what is undefined, and write what JSON has no number for as null", () => {
    expect(toStored({ a: undefined, b: [undefined, 1], c: Number.NaN, d: -0 })).to.equal(
      '{"b":[null,1],"c":null,"d":0}',
    );
  });

  it("write every character as JSON.stringify does", () => {
    for (let unit = 0; unit <= 0xffff; unit++) {
      const text = String.fromCharCode(unit);
      if (toStored([text, `a${text}`]) !== JSON.stringify([text, `a${text}`]))
        expect.fail(`U+${unit.toString(16)}`);
    }
    expect(toStored(["😀", "\ud83d", "한국\u2028"])).to.equal(JSON.stringify(["😀", "\ud83d", "한국\u2028"]));
  });

  it("are the text of JSON.stringify and read as JSON.parse reads it, for any JSON without tags", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => !key.startsWith("$")),
          fc.jsonValue(),
        ),
        (value) => {
          fc.pre(!JSON.stringify(value).includes('"$'));
          const text = JSON.stringify(value);
          expect(toStored(value)).to.equal(text);
          expect(JSON.stringify(again(value))).to.equal(text);
        },
      ),
    );
  });

  it("are read as they were, for any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.stringify(again({ value }))).to.equal(JSON.stringify({ value }));
      }),
    );
  });

  it("of equal values built in the same order are equal texts, however often they were read", () => {
    const value = { a: new Map([["x", { b: [1, "ß", true, null] }]]), $b: Uint32Array.of(1) };
    expect(toStored(again(value) as object)).to.equal(toStored(value));
  });
});
