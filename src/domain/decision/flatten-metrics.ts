import { PORTFOLIO_PREFIX } from "../alpha/metric-spec.ts";
import { compareUtf8 } from "../text.ts";

/** Other systems' names for figures of this service. */
const ALIASES: readonly (readonly [alias: string, name: string])[] = [["win_rate", "win_ratio"]];

function leafOf(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}

/**
 * A strategy's metrics under every name a policy may use: the whole key, and the part behind its last dot, so that
 * `sharpe` finds `alpha_performance.sharpe`.
 *
 * A whole key always wins over a part; of two equal parts the first key in order does. Figures of the portfolio are
 * found only under their whole key, so that they never stand in for a strategy's own. Values that are not finite count
 * as absent.
 */
export function flattenMetrics(metrics: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const keys = [...metrics.keys()].sort(compareUtf8);
  const flat = new Map<string, number>();
  const add = (name: string, value: number | undefined): void => {
    if (value !== undefined && Number.isFinite(value) && !flat.has(name)) flat.set(name, value);
  };
  for (const key of keys) add(key, metrics.get(key));
  for (const key of keys) if (!key.startsWith(PORTFOLIO_PREFIX)) add(leafOf(key), metrics.get(key));
  for (const [alias, name] of ALIASES) add(alias, flat.get(name));
  return flat;
}
