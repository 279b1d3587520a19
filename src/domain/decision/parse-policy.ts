import { ALPHA_PREFIX, METRIC_SPECS, PORTFOLIO_PREFIX } from "../alpha/metric-spec.ts";
import { invalidFields } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { sortedByKey } from "../text.ts";
import { type JsonReader, jsonReader, member, sizeProblem } from "./json-reader.ts";
import {
  type CorrelationLimit,
  type Hysteresis,
  MISSING_METRIC_MODES,
  type MissingMetricMode,
  type Policy,
  type Threshold,
  type TopK,
} from "./policy.ts";
import { POLICY_PRESETS } from "./presets.ts";

const LIMITS = { depth: 6, values: 10_000, textLength: 512 };

const STAGE_KEYS = ["thresholds", "top_k", "correlation", "hysteresis"];
const POLICY_KEYS = [...STAGE_KEYS, "selection", "validation", "preset"];

const KNOWN_METRICS: ReadonlySet<string> = new Set(METRIC_SPECS.map((spec) => spec.key));
const OWN_PREFIXES = [ALPHA_PREFIX, "el_v1_", "el_v2_"];

/** The stages of one place of a policy; absent ones are `undefined`. */
interface Stages {
  readonly thresholds: ReadonlyMap<string, Threshold>;
  readonly topK: TopK | undefined;
  readonly correlation: CorrelationLimit | undefined;
  readonly hysteresis: Hysteresis | undefined;
}

/** Names in this service's own name space must be in its table; all other names belong to the callers. */
function isUnknownOwnMetric(metric: string): boolean {
  const name = metric.startsWith(PORTFOLIO_PREFIX) ? metric.slice(PORTFOLIO_PREFIX.length) : metric;
  return OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) && !KNOWN_METRICS.has(name);
}

function readMetric(reader: JsonReader, source: JsonObject, path: string, fallback?: string): string {
  const metric = reader.text(source, "metric", path) ?? fallback;
  if (metric === undefined) reader.complain(`${path}.metric`, "must name a metric");
  else if (isUnknownOwnMetric(metric))
    reader.complain(`${path}.metric`, `${metric} is not in the metric table`);
  return metric ?? "";
}

function readThreshold(
  reader: JsonReader,
  value: JsonValue | undefined,
  path: string,
  name: string,
): Threshold {
  const source = reader.object(value, path, ["metric", "min", "max"]) ?? {};
  const metric = readMetric(reader, source, path, name);
  const min = reader.number(source, "min", path);
  const max = reader.number(source, "max", path);
  if (min !== undefined && max !== undefined && min > max) {
    reader.complain(`${path}.min`, `contradicts the maximum: ${min} is above ${max}`);
  }
  return { metric, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function readThresholds(
  reader: JsonReader,
  value: JsonValue | undefined,
  path: string,
): Map<string, Threshold> {
  const source = reader.object(value, path) ?? {};
  const entries = Object.keys(source).map((name): [string, Threshold] => [
    name,
    readThreshold(reader, source[name], member(path, name), name),
  ]);
  return sortedByKey(entries);
}

function readTopK(reader: JsonReader, value: JsonValue | undefined, path: string): TopK | undefined {
  const source = reader.object(value, path, ["metric", "k"]);
  if (source === undefined) return undefined;
  const metric = readMetric(reader, source, path);
  const k = reader.number(source, "k", path) ?? 0;
  if (!Number.isSafeInteger(k) || k < 1) reader.complain(`${path}.k`, "must be a whole number of 1 or more");
  return { metric, k };
}

function readCorrelation(
  reader: JsonReader,
  value: JsonValue | undefined,
  path: string,
): CorrelationLimit | undefined {
  const source = reader.object(value, path, ["max"]);
  if (source === undefined) return undefined;
  const max = reader.number(source, "max", path);
  if (max === undefined || max < -1 || max > 1)
    reader.complain(`${path}.max`, "must be a correlation from -1 to 1");
  return { max: max ?? 1 };
}

function readHysteresis(
  reader: JsonReader,
  value: JsonValue | undefined,
  path: string,
): Hysteresis | undefined {
  const source = reader.object(value, path, ["metric", "enter", "exit"]);
  if (source === undefined) return undefined;
  const metric = readMetric(reader, source, path);
  const enter = reader.number(source, "enter", path);
  const exit = reader.number(source, "exit", path);
  if (enter === undefined) reader.complain(`${path}.enter`, "must be given");
  if (exit === undefined) reader.complain(`${path}.exit`, "must be given");
  if (enter !== undefined && exit !== undefined && exit > enter) {
    reader.complain(
      `${path}.exit`,
      `contradicts enter: a strategy would leave (${exit}) where it enters (${enter})`,
    );
  }
  return { metric, enter: enter ?? 0, exit: exit ?? 0 };
}

function readStages(reader: JsonReader, source: JsonObject, path: string): Stages {
  return {
    thresholds: readThresholds(reader, source.thresholds, `${path}.thresholds`),
    topK: readTopK(reader, source.top_k, `${path}.top_k`),
    correlation: readCorrelation(reader, source.correlation, `${path}.correlation`),
    hysteresis: readHysteresis(reader, source.hysteresis, `${path}.hysteresis`),
  };
}

/** `first` wins stage by stage; of thresholds with one name the later list's wins. */
function mergeStages(first: Stages, second: Stages, thresholds: readonly Stages[]): Stages {
  return {
    thresholds: sortedByKey(thresholds.flatMap((stages) => [...stages.thresholds])),
    topK: first.topK ?? second.topK,
    correlation: first.correlation ?? second.correlation,
    hysteresis: first.hysteresis ?? second.hysteresis,
  };
}

function isMode(text: string): text is MissingMetricMode {
  return MISSING_METRIC_MODES.some((mode) => mode === text);
}

function readMissingMode(reader: JsonReader, value: JsonValue | undefined, path: string): MissingMetricMode {
  const source = reader.object(value, path, ["on_missing_metric"]) ?? {};
  const mode = reader.text(source, "on_missing_metric", path) ?? "fail";
  if (isMode(mode)) return mode;
  reader.complain(`${path}.on_missing_metric`, `must be one of ${MISSING_METRIC_MODES.join(", ")}`);
  return "fail";
}

function readPreset(reader: JsonReader, source: JsonObject, path: string): JsonObject {
  const name = reader.text(source, "preset", path);
  if (name === undefined) return {};
  const preset = POLICY_PRESETS.get(name);
  if (preset === undefined) {
    reader.complain(`${path}.preset`, `must be one of ${[...POLICY_PRESETS.keys()].join(", ")}`);
  }
  return preset ?? {};
}

function toPolicy(stages: Stages, onMissingMetric: MissingMetricMode): Policy {
  const { thresholds, topK, correlation, hysteresis } = stages;
  return {
    thresholds,
    onMissingMetric,
    ...(topK === undefined ? {} : { topK }),
    ...(correlation === undefined ? {} : { correlation }),
    ...(hysteresis === undefined ? {} : { hysteresis }),
  };
}

/**
 * A policy as callers write it:
 * `{preset, thresholds: {name: {metric, min, max}}, top_k: {metric, k}, correlation: {max}, hysteresis: {metric, enter,
 * exit}, selection: {the four stages again}, validation: {on_missing_metric}}`, every part optional.
 *
 * Stages of `selection` win over those beside it, except for thresholds: both lists count, and of two with one name the
 * one outside wins. A preset lies below both. A threshold without a metric is on the metric it is named after.
 *
 * @param path proto path of the policy, for errors.
 * @throws DomainError INVALID_FIELD naming everything that is wrong: unknown keys, k below 1, bounds that contradict
 * each other, a correlation outside −1..1, unknown metrics in this service's name space, too deep or too big a value.
 */
export function parsePolicy(raw: JsonObject, path = "policy"): Policy {
  const tooBig = sizeProblem(raw, LIMITS);
  if (tooBig !== undefined) throw invalidFields([{ field: path, description: tooBig }]);
  const reader = jsonReader();
  const source = reader.object(raw, path, POLICY_KEYS) ?? {};
  const preset = readStages(reader, readPreset(reader, source, path), `${path}.preset`);
  const outer = readStages(reader, source, path);
  const selectionPath = `${path}.selection`;
  const selection = reader.object(source.selection, selectionPath, STAGE_KEYS) ?? {};
  const inner = readStages(reader, selection, selectionPath);
  const onMissingMetric = readMissingMode(reader, source.validation, `${path}.validation`);
  if (reader.violations.length > 0) throw invalidFields(reader.violations);
  const written = mergeStages(inner, outer, [inner, outer]);
  return toPolicy(mergeStages(written, preset, [preset, written]), onMissingMetric);
}
