import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { alphaPerformance } from "../../../src/domain/alpha/alpha-performance.ts";
import { linearityFigures } from "../../../src/domain/alpha/linearity.ts";

interface ReferenceCase {
  readonly seed: number;
  readonly returns: readonly number[];
  readonly risk_free_rate: number;
  readonly transaction_cost: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly levels: readonly number[];
  readonly linearity: Readonly<Record<string, number>>;
}

const SCRIPT = fileURLToPath(new URL("../../support/python/alpha_reference.py", import.meta.url));
const RECORDED = new URL("../../golden/alpha/python-recorded.json", import.meta.url);

function compare(
  actual: ReadonlyMap<string, number>,
  expected: Readonly<Record<string, number>>,
  seed: number,
): void {
  for (const [key, value] of Object.entries(expected)) {
    const mine = actual.get(key) ?? Number.NaN;
    const limit = 1e-9 * Math.max(1, Math.abs(value), Math.abs(mine));
    expect(Math.abs(mine - value), `seed ${seed} ${key}: ${mine} against ${value}`).to.be.at.most(limit);
  }
}

function compareAll(text: string): void {
  const cases: ReferenceCase[] = JSON.parse(text);
  expect(cases.length).to.equal(200);
  for (const { seed, returns, risk_free_rate, transaction_cost, figures, levels, linearity } of cases) {
    const rates = { riskFreeRate: risk_free_rate, transactionCost: transaction_cost };
    compare(alphaPerformance(returns, rates).metrics, figures, seed);
    expect(Object.keys(figures).length, `seed ${seed}`).to.equal(6);
    compare(linearityFigures(levels), linearity, seed);
  }
}

describe("figures against independent formulas in Python", () => {
  it("agree with the recorded results for 200 seeded series", () => {
    compareAll(readFileSync(RECORDED, "utf8"));
  });

  it("agree with what Python computes now, where there is Python", function () {
    const python = spawnSync("python3", [SCRIPT], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
    // Without Python the recorded results above stand for it.
    if (python.error !== undefined) return this.skip();
    expect(python.status, python.stderr).to.equal(0);
    compareAll(python.stdout);
  });
});
