import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type DecideResponseSchema,
  EffectiveMode,
  type EvaluateRequest,
  type EvaluateResponseSchema,
  type EvaluationInput,
  type HistoryEntry,
} from "#gen/worldservice/v1/decision_service_pb.ts";
import type { StrategyEvaluation } from "../../domain/decision/evaluate.ts";
import { type FieldViolation, invalidFields } from "../../domain/errors.ts";
import type { WorldDecision } from "../../orchestration/evaluate/decide.ts";
import type { EvaluatedWorld, EvaluationCall } from "../../orchestration/evaluate/evaluate-world.ts";
import type { HistoryFacts } from "../../orchestration/evaluate/history-docs.ts";
import { fromAlphaSeries, fromTimestamp, toTimestamp } from "../alpha/series.ts";
import { fromMap, toMap } from "../convert.ts";

/**
 * What a policy is to judge, from the request of Evaluate or from the input of ApplyWorld.
 *
 * @param path of the message that holds it, empty for the request itself.
 */
export function fromEvaluation(message: EvaluateRequest | EvaluationInput, path: string): EvaluationCall {
  const metrics = [...fromMap(message.metrics)].map(([id, { values }]) => [id, fromMap(values)] as const);
  return {
    metrics: new Map(metrics),
    series: message.series.map(fromAlphaSeries),
    correlations: message.correlations.map(({ strategyA, strategyB, rho }) => ({
      strategyA,
      strategyB,
      rho,
    })),
    policy: message.policy,
    previous: message.previous,
    path,
  };
}

export function toEvaluateResponse({
  active,
  strategies,
  policyVersion,
}: EvaluatedWorld): MessageInitShape<typeof EvaluateResponseSchema> {
  return {
    active: [...active],
    strategies: Object.fromEntries([...strategies].map(([id, verdict]) => [id, toVerdict(verdict)])),
    policyVersion,
  };
}

function toVerdict({ metrics, reasonCodes, active }: StrategyEvaluation) {
  return { metrics: toMap(metrics), reasonCodes: [...reasonCodes], active };
}

/** @throws DomainError INVALID_FIELD for what is no time. */
export function fromTime(time: Timestamp | undefined, path: string): number | undefined {
  const ms = time && fromTimestamp(time);
  if (ms !== undefined && Number.isNaN(ms)) {
    throw invalidFields([{ field: path, description: "must be a valid time" }]);
  }
  return ms;
}

export function toDecideResponse(
  worldId: string,
  decision: WorldDecision,
): MessageInitShape<typeof DecideResponseSchema> {
  const { mode, reason, ttlMs, policyVersion, asOfMs, etag, decidedAtMs, memory } = decision;
  return {
    worldId,
    policyVersion,
    effectiveMode: EffectiveMode[mode],
    reason,
    ttl: { seconds: BigInt(ttlMs / 1000) },
    etag,
    datasetFingerprint: memory.datasetFingerprint,
    decidedAt: toTimestamp(decidedAtMs),
    ...(asOfMs !== undefined && { asOf: toTimestamp(asOfMs) }),
  };
}

function durationMs(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** @throws DomainError INVALID_FIELD for what is no time, and for coverage that ends before it starts. */
export function fromHistoryEntry(entry: HistoryEntry, path: string): HistoryFacts {
  const coverageStartMs = fromTime(entry.coverageStart, `${path}.coverage_start`);
  const coverageEndMs = fromTime(entry.coverageEnd, `${path}.coverage_end`);
  const found: FieldViolation[] = [];
  if ((coverageEndMs ?? Number.POSITIVE_INFINITY) < (coverageStartMs ?? Number.NEGATIVE_INFINITY)) {
    found.push({ field: `${path}.coverage_end`, description: "must not be before coverage_start" });
  }
  if (found.length > 0) throw invalidFields(found);
  const flags = [...fromMap(entry.conformanceFlags)].map(([name, count]) => [name, Number(count)] as const);
  return {
    strategyId: entry.strategyId,
    nodeId: entry.nodeId,
    intervalMs: durationMs(entry.interval),
    rows: entry.rows === undefined ? undefined : Number(entry.rows),
    coverageStartMs,
    coverageEndMs,
    conformanceFlags: new Map(flags),
    conformanceWarnings: entry.conformanceWarnings,
    datasetFingerprint: entry.datasetFingerprint,
    asOfMs: fromTime(entry.asOf, `${path}.as_of`),
  };
}
