/** The tables of reference/metrics.md, from the table that GetMetricSpec answers from. */
import { ALPHA_SPECS, LINEARITY_SPECS, type MetricSpec } from "../../src/domain/alpha/metric-spec.ts";
import { markdownTable } from "../generated-block.ts";

interface MetricWords {
  readonly figure: string;
  readonly unit: string;
  readonly range: string;
  readonly formula: string;
  readonly default: string;
  readonly fewest: string;
  readonly missing: string;
}

export const METRIC_WORDS: Readonly<Record<"en" | "ko", MetricWords>> = {
  en: {
    figure: "figure",
    unit: "unit",
    range: "range",
    formula: "formula",
    default: "default",
    fewest: "needs at least",
    missing: "without a value",
  },
  ko: {
    figure: "수치",
    unit: "단위",
    range: "범위",
    formula: "공식",
    default: "기본값",
    fewest: "최소 개수",
    missing: "값이 없을 때",
  },
};

export const alphaText = (words: MetricWords) => metricTables(words, ALPHA_SPECS);
export const linearityText = (words: MetricWords) => metricTables(words, LINEARITY_SPECS);

/** One narrow table per figure: side by side, seven columns fit on no page. */
function metricTables(words: MetricWords, specs: readonly MetricSpec[]): string {
  return specs.map((spec) => metricTable(words, spec)).join("\n\n");
}

function metricTable(words: MetricWords, spec: MetricSpec): string {
  const code = (text: string) => `\`${text}\``;
  return markdownTable(
    [words.figure, code(spec.key)],
    [
      [words.unit, spec.unit],
      [words.range, code(spec.range)],
      [words.formula, code(spec.formula)],
      [words.default, spec.defaultValue.toFixed(1)],
      [words.fewest, String(spec.minPoints)],
      [words.missing, spec.missingRule],
    ],
  );
}
