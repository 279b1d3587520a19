import {
  type AlphaEnvelope,
  type AlphaScope,
  buildAlphaEnvelope,
} from "../../domain/alpha/build-envelope.ts";
import type { DomainEventOf } from "../../domain/events/types.ts";
import type { AlphaCalculator } from "../../ports/alpha-calculator.ts";
import type { AuditDraft, Doc, DocPut } from "../../ports/store.ts";
import { auditLine, type Cause } from "../activation/commit-change.ts";
import { sha256 } from "../shared/hashing.ts";
import type { RecordedPair } from "./record-returns.ts";
import { markerKey, markOf, recordedPuts } from "./series-docs.ts";

type RecordedEvent = DomainEventOf<"ALPHA_METRICS_RECORDED">;

/** Who records, and when. */
export type RecordingCause = Omit<Cause, "details">;

/** What recording writes, but for lease and claim. */
export interface RecordedCommit {
  readonly puts: readonly DocPut[];
  readonly events: readonly RecordedEvent[];
  readonly audit: readonly AuditDraft[];
}

/**
 * The commit of changed series: their documents, and per world a new marker, one event with the figures of the series
 * concerned, and a line of audit.
 *
 * @param markers the worlds' markers before.
 */
export function recordedCommit(
  changed: readonly RecordedPair[],
  markers: ReadonlyMap<string, Doc | undefined>,
  calculator: AlphaCalculator,
  cause: RecordingCause,
): RecordedCommit {
  const byWorld = Map.groupBy(changed, ({ series }) => series.worldId);
  const worlds = [...byWorld].map(([worldId, pairs]) =>
    worldPart(worldId, pairs, markOf(markers.get(worldId)), calculator, cause),
  );
  return {
    puts: worlds.flatMap(({ puts }) => puts),
    events: worlds.map(({ event }) => event),
    audit: worlds.map(({ audit }) => audit),
  };
}

function worldPart(
  worldId: string,
  pairs: readonly RecordedPair[],
  before: string,
  calculator: AlphaCalculator,
  cause: RecordingCause,
) {
  const docs = pairs.flatMap(({ series, change }) => recordedPuts(series, change));
  // Covers everything recorded in the world so far, so that no two states of it have the same.
  const digest = sha256([before, ...docs.map(({ body }) => body)].join("\n"));
  return {
    puts: [...docs, { key: markerKey(worldId), body: JSON.stringify(digest) }],
    event: recordedEvent(worldId, pairs, digest, calculator, cause.nowMs),
    audit: auditLine(worldId, { ...cause, details: { series: pairs.length } }),
  };
}

function recordedEvent(
  worldId: string,
  pairs: readonly RecordedPair[],
  digest: string,
  calculator: AlphaCalculator,
  nowMs: number,
): RecordedEvent {
  return {
    type: "ALPHA_METRICS_RECORDED",
    worldId,
    timeMs: nowMs,
    correlationId: `alpha_metrics:${worldId}`,
    idempotencyKey: `alpha_metrics_recorded:${encodeURIComponent(worldId)}:${digest}`,
    schemaVersion: 1,
    payload: { alphaMetrics: figuresOf(worldId, pairs, calculator) },
  };
}

/** Of the recorded series alone: a world whose own series was not among them is left out. */
function figuresOf(
  worldId: string,
  pairs: readonly RecordedPair[],
  calculator: AlphaCalculator,
): AlphaEnvelope {
  const recorded = new Map(pairs.map(({ series, change }) => [series.strategyId, change]));
  const scope: AlphaScope = {
    worldId,
    strategyIds: [...recorded.keys()].filter((id) => id !== ""),
    weights: new Map(),
  };
  const stored = {
    statistics: (_world: string, id: string) => recorded.get(id)?.statistics,
    series: (_world: string, id: string) => recorded.get(id)?.series,
  };
  const envelope = buildAlphaEnvelope({ scopes: [scope], requested: [], stored, calculator });
  if (recorded.has("")) return envelope;
  return {
    ...envelope,
    perWorld: new Map(),
    missing: envelope.missing.filter(({ strategyId }) => strategyId !== ""),
  };
}
