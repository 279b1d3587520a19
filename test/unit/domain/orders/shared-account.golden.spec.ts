import { expect } from "chai";
import { markTable } from "../../../../src/domain/orders/marks.ts";
import { sharedAccountVerdict } from "../../../../src/domain/orders/shared-account.ts";
import { near } from "../rebalance/golden-cases.ts";
import { type GoldenMark, goldenOrderCases } from "./golden-orders.ts";

interface Input {
  readonly config: {
    readonly max_gross_notional: number | null;
    readonly max_net_notional: number | null;
    readonly min_margin_headroom: number | null;
  };
  readonly orders: readonly { symbol: string; quantity: number; venue: string | null }[];
  readonly marks: readonly GoldenMark[];
  readonly total_equity: number;
  readonly current_net_notional: number | null;
}

interface Result {
  readonly allowed: boolean;
  readonly reason: string | null;
  readonly context: Readonly<Record<string, unknown>>;
}

describe("the shared-account policy against the golden data", () => {
  for (const golden of goldenOrderCases<Input, Result>("shared_account")) {
    it(`judges ${golden.id} alike, with the same figures`, () => {
      const { config, orders, marks, total_equity, current_net_notional } = golden.input;
      const got = sharedAccountVerdict(
        {
          maxGrossNotional: config.max_gross_notional ?? undefined,
          maxNetNotional: config.max_net_notional ?? undefined,
          minMarginHeadroom: config.min_margin_headroom ?? undefined,
        },
        orders.map((order) => ({ ...order, venue: order.venue ?? undefined })),
        markTable(marks.map((row) => ({ ...row, venue: row.venue ?? undefined, mark: Number(row.mark) }))),
        total_equity,
        current_net_notional ?? 0,
      );
      const expected = golden.expected.result as Result;
      expect(golden.defects).to.deep.equal([]);
      expect(got.reason ?? null).to.equal(expected.reason);
      const { missing_marks, ...figures } = expected.context;
      expect([...got.figures.keys()]).to.have.members(Object.keys(figures));
      for (const [name, figure] of got.figures) {
        expect(near(figure, Number(figures[name])), `${name}: ${figure}`).to.equal(true);
      }
      const missing = got.missingMarks.map(({ symbol, venue }) => ({ symbol, venue: venue ?? null }));
      expect(missing).to.deep.equal(missing_marks ?? []);
    });
  }
});
