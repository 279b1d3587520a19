import { DomainError, invalidFields } from "../errors.ts";
import type { PlannerRules, RebalanceMode } from "./types.ts";

/** The two switches that decide which version is spoken. */
export interface Gates {
  /** Package v2 answers as schema version 2. */
  readonly compatRebalanceV2: boolean;
  /** Schema version 1 is refused. */
  readonly alphaMetricsRequired: boolean;
}

/** What was agreed for one call. It decides whether modes, alpha metrics and intent take part, never the shape. */
export interface Negotiated {
  readonly schemaVersion: 1 | 2;
  /** Version 2 was asked for and the gate is off. */
  readonly downgraded: boolean;
}

const HIGHEST: Record<PlannerRules, 1 | 2> = { v1: 1, v2: 2 };

function assertSpoken(rules: PlannerRules, requested: number, field: string): void {
  if (requested < 0) throw invalidFields([{ field, description: "must be 0 or more" }]);
  if (requested <= HIGHEST[rules]) return;
  throw new DomainError(
    "SCHEMA_VERSION_UNSUPPORTED",
    `${field}: package ${rules} speaks schema versions up to ${HIGHEST[rules]}, not ${requested}`,
    {
      metadata: { requested: String(requested), max_supported: String(HIGHEST[rules]) },
      violations: [{ field, description: `must be at most ${HIGHEST[rules]}` }],
    },
  );
}

/**
 * Agrees on a schema version.
 *
 * @param rules the package that was called.
 * @param requested the request's `schema_version`; 0 means the package's highest.
 * @param field path of that field, for errors.
 * @throws DomainError SCHEMA_VERSION_UNSUPPORTED above the package's highest version.
 * @throws DomainError SCHEMA_VERSION_TOO_LOW when the answer would be version 1 and the gates ask for 2.
 */
export function negotiate(rules: PlannerRules, requested: number, gates: Gates, field: string): Negotiated {
  assertSpoken(rules, requested, field);
  const wanted = requested === 0 ? HIGHEST[rules] : requested;
  const schemaVersion = wanted === 2 && gates.compatRebalanceV2 ? 2 : 1;
  if (schemaVersion === 1 && gates.alphaMetricsRequired) {
    throw new DomainError(
      "SCHEMA_VERSION_TOO_LOW",
      "this deployment requires alpha metrics: call package v2 with schema_version 0 or 2",
    );
  }
  return { schemaVersion, downgraded: wanted === 2 && schemaVersion === 1 };
}

/** @throws DomainError MODE_REQUIRES_V2 for overlay and hybrid in an answer of schema version 1. */
export function assertModeSpoken(mode: RebalanceMode, negotiated: Negotiated): void {
  if (mode.kind === "scaling" || negotiated.schemaVersion === 2) return;
  throw new DomainError("MODE_REQUIRES_V2", `mode ${mode.kind} needs schema version 2`, {
    metadata: { mode: mode.kind },
  });
}
