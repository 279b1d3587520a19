/** The tables of reference/metrics.md, from the table that GetMetricSpec answers from. */
import { ALPHA_SPECS, LINEARITY_SPECS, type MetricSpec } from "../../src/domain/alpha/metric-spec.ts";
import { markdownTable } from "../generated-block.ts";

export const METRIC_HEADS = {
  en: ["key", "unit", "range", "formula", "default", "needs", "without a value"],
  ko: ["키", "단위", "범위", "공식", "기본값", "최소 개수", "값이 없을 때"],
} as const;

export const alphaText = (head: readonly string[]) => metricTable(head, ALPHA_SPECS);
export const linearityText = (head: readonly string[]) => metricTable(head, LINEARITY_SPECS);

function metricTable(head: readonly string[], specs: readonly MetricSpec[]): string {
  const code = (text: string) => `\`${text}\``;
  const rows = specs.map((spec) => [
    code(spec.key),
    spec.unit,
    code(spec.range),
    code(spec.formula),
    spec.defaultValue.toFixed(1),
    String(spec.minPoints),
    spec.missingRule,
  ]);
  return markdownTable(head, rows);
}
