import { expect } from "chai";
import type { BudgetChange, CommitOutcome } from "../../../src/ports/store.ts";
import { commit, type OpenBook, useBook } from "./fixture.ts";

function change(set: Record<string, number>, limit?: number): { budget: BudgetChange } {
  const members = Object.entries(set).map(([member, units]) => ({ member, units }));
  return { budget: { name: "allocation", set: members, ...(limit !== undefined && { limit }) } };
}

/** Budgets: sums over members that no single lock covers. */
export function storeBudgetContract(open: OpenBook): void {
  const book = useBook(open);

  async function total(): Promise<number> {
    return (await book().store.read({ keys: [], budget: "allocation" })).budgetTotal;
  }

  describe("budgets", () => {
    it("add up what members take; members that are not named keep theirs", async () => {
      expect(await total()).to.equal(0);
      await commit(book(), change({ a: 30, b: 20 }));
      await commit(book(), change({ b: 5, "10": 1, "2": 2 }));
      await commit(book(), change({ a: 0 }));
      expect(await total()).to.equal(8);
      expect((await book().store.read({ keys: [] })).budgetTotal, "not asked for").to.equal(0);
    });

    it("refuse what would raise the total above the limit, telling what it would have come to", async () => {
      await commit(book(), change({ a: 60 }, 100));
      expect(await book().store.commit(change({ b: 41 }, 100))).to.deep.equal({
        kind: "over_budget",
        total: 101,
      });
      expect(await total()).to.equal(60);
      await commit(book(), change({ b: 40 }, 100));
      expect(await total()).to.equal(100);
    });

    it("refuse a total above the limit although it was higher before", async () => {
      await commit(book(), change({ a: 90, b: 60 }));
      expect(await book().store.commit(change({ a: 80 }, 100))).to.deep.equal({
        kind: "over_budget",
        total: 140,
      });
      await commit(book(), change({ a: 50, b: 50 }, 100));
      expect(await total()).to.equal(100);
    });

    it("stay exact with large numbers", async () => {
      const units = 4_503_599_627_370_495;
      await commit(book(), change({ a: units, b: units }));
      expect(await total()).to.equal(9_007_199_254_740_990);
      await commit(book(), change({ a: units - 1 }));
      expect(await total()).to.equal(9_007_199_254_740_989);
    });

    it("admit as many of concurrent takers as fit, and no more", async () => {
      const attempts = Array.from({ length: 40 }, (_, n) =>
        book().store.commit(change({ [`m${n}`]: 7 }, 100)),
      );
      const outcomes: readonly CommitOutcome[] = await Promise.all(attempts);
      expect(outcomes.filter(({ kind }) => kind === "committed")).to.have.length(14);
      expect(outcomes.filter(({ kind }) => kind === "over_budget")).to.have.length(26);
      expect(await total()).to.equal(98);
    });
  });
}
