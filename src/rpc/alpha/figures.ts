/**
 * Figures by key as a wire map. Their keys come from the metric table, never from callers, so that plain assignment is
 * safe; over ten thousand strategies it costs half of what `Object.fromEntries` does.
 */
export function toFigures(metrics: ReadonlyMap<string, number>): { metrics: Record<string, number> } {
  const record: Record<string, number> = {};
  for (const [key, value] of metrics) record[key] = value;
  return { metrics: record };
}

/** World → figures as a wire map. World ids are the callers', hence `Object.fromEntries`. */
export function toWorldFigures(worlds: ReadonlyMap<string, ReadonlyMap<string, number>>) {
  return Object.fromEntries([...worlds].map(([worldId, metrics]) => [worldId, toFigures(metrics)]));
}

/** Strategy → world → figures as a wire map. */
export function toStrategyFigures(
  strategies: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, number>>>,
) {
  return Object.fromEntries(
    [...strategies].map(([strategyId, worlds]) => [strategyId, { worlds: toWorldFigures(worlds) }]),
  );
}
