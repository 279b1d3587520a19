/** One fill, as an execution report gives it. */
export interface ExecutionFill {
  /** Currency, ≥ 0. */
  readonly commission: number;
  /** Currency per unit; its size counts, not its sign. */
  readonly slippage: number;
  /** Units, negative for sells. */
  readonly quantity: number;
  /** Currency per unit. */
  readonly marketImpact: number;
  /** Currency per unit. */
  readonly executionShortfall: number;
}

/** What the fills of a series cost, and how that weighs on its returns. */
export interface ExecutionCosts {
  /** Ratio to take from every return in place of a fixed transaction cost; `undefined` without fills. */
  readonly costPerPeriod: number | undefined;
  /** `execution_*` figures; empty without fills. Averages in basis points of the volume, 0 for a volume of 0. */
  readonly figures: ReadonlyMap<string, number>;
}

const BASIS_POINTS = 10_000;

function sumOf(fills: readonly ExecutionFill[], amount: (fill: ExecutionFill) => number): number {
  return fills.reduce((sum, fill) => sum + amount(fill), 0);
}

/**
 * Costs of fills, spread evenly over the periods of a series: ((total cost ÷ number of fills) ÷ periods) ÷ 10,000.
 *
 * @param periods number of returns the fills belong to.
 */
export function executionCosts(fills: readonly ExecutionFill[], periods: number): ExecutionCosts {
  if (fills.length === 0 || periods === 0) return { costPerPeriod: undefined, figures: new Map() };
  const volume = sumOf(fills, (fill) => fill.quantity);
  const commission = sumOf(fills, (fill) => fill.commission);
  const slippage = sumOf(fills, (fill) => Math.abs(fill.slippage * fill.quantity));
  const impact = sumOf(fills, (fill) => fill.marketImpact * fill.quantity);
  const shortfall = sumOf(fills, (fill) => fill.executionShortfall * fill.quantity);
  const total = commission + slippage + impact;
  const perVolume = (amount: number): number => (volume === 0 ? 0 : (amount / volume) * BASIS_POINTS);
  return {
    costPerPeriod: total / fills.length / periods / BASIS_POINTS,
    figures: new Map([
      ["execution_total_trades", fills.length],
      ["execution_total_volume", volume],
      ["execution_total_commission", commission],
      ["execution_total_slippage", slippage],
      ["execution_total_market_impact", impact],
      ["execution_avg_commission_bps", perVolume(commission)],
      ["execution_avg_slippage_bps", perVolume(slippage)],
      ["execution_avg_market_impact_bps", perVolume(impact)],
      ["execution_avg_execution_shortfall_bps", perVolume(shortfall)],
      ["execution_total_execution_cost", total],
    ]),
  };
}
