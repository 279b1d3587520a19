import { expect } from "chai";
import { pickHistory } from "../../../../src/domain/decision/history.ts";
import { normalizeWeight } from "../../../../src/domain/decision/normalize-weight.ts";
import { addBindings, normalizeDecisions } from "../../../../src/domain/decision/strategy-lists.ts";
import { DomainError } from "../../../../src/domain/errors.ts";
import { sound, toNumber, type Written } from "../alpha/golden-cases.ts";

describe("decisions", () => {
  it("are trimmed, named once, and keep their order", () => {
    expect(normalizeDecisions([" b ", "a", "b", "a "])).to.deep.equal(["b", "a"]);
  });

  it("refuse an empty name with its place", () => {
    for (const list of [normalizeDecisions, (ids: string[]) => addBindings([], ids)]) {
      expect(() => list(["a", " \t"])).to.throw(DomainError, "strategies[1]");
    }
  });
});

describe("bindings", () => {
  it("only grow, as a sorted set", () => {
    expect(addBindings(["b", "10"], [" a ", "b", "2"])).to.deep.equal(["10", "2", "a", "b"]);
  });
});

describe("history", () => {
  const entries = [
    { name: "old", asOfMs: 15, recordedAtMs: 100 },
    { name: "new", asOfMs: 17, recordedAtMs: 101 },
    { name: "unnamed", recordedAtMs: 102 },
    { name: "late", asOfMs: 16, recordedAtMs: 103 },
  ];

  it("without a time is the newest entry, even where an older one came later", () => {
    expect(pickHistory(entries)?.name).to.equal("unnamed");
    expect(pickHistory(entries.filter(({ name }) => name !== "unnamed"))?.name).to.equal("new");
    expect(pickHistory([])).to.equal(undefined);
  });

  it("at a time is the newest entry that speaks of it or before", () => {
    expect(pickHistory(entries, 14)).to.equal(undefined);
    expect(pickHistory(entries, 15)?.name).to.equal("old");
    expect(pickHistory(entries, 16)?.name).to.equal("late");
    expect(pickHistory(entries, 99)?.name).to.equal("new");
    expect(pickHistory(entries, 102)?.name).to.equal("unnamed");
  });

  it("takes the last recorded of entries that speak of the same time", () => {
    const twice = [...entries, { name: "corrected", asOfMs: 17, recordedAtMs: 104 }];
    expect(pickHistory(twice, 17)?.name).to.equal("corrected");
  });
});

describe("a client's weight", () => {
  it("is as recorded", () => {
    const cases = sound<{ weight: Written; active: boolean | null }>("normalize_weight");
    for (const { id, input, expected } of cases) {
      const weight = input.weight === null ? null : toNumber(input.weight);
      const result = expected.result === "NaN" ? Number.NaN : expected.result;
      expect(normalizeWeight(weight, input.active), id).to.deep.equal(result);
    }
  });

  it("is never outside 0..1 (D-31)", () => {
    expect([normalizeWeight(5, true), normalizeWeight(-5, true)]).to.deep.equal([1, 0]);
    expect(normalizeWeight(undefined, undefined)).to.equal(null);
  });
});
