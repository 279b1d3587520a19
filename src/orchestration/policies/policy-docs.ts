import { DomainError } from "../../domain/errors.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { DocKey } from "../../ports/store.ts";
import { worldKey } from "../shared/keys.ts";

/** One version of a world's policy as it is stored. It never changes. */
export interface StoredPolicy {
  readonly worldId: string;
  /** 1, 2, 3 … per world. */
  readonly version: number;
  /** The rules, as `policyRules` writes them. */
  readonly body: JsonObject;
  /** Hash of the canonical body: equal rules have equal checksums. */
  readonly checksum: string;
  readonly createdAtMs: number;
}

/** Which versions a world has. 0 = none. */
export interface PolicyHead {
  readonly latest: number;
  readonly defaultVersion: number;
}

export const NO_POLICIES: PolicyHead = { latest: 0, defaultVersion: 0 };

export function policyKey(worldId: string, version: number): DocKey {
  return { kind: "policy", scope: worldId, id: String(version) };
}

/** The one place that says which version is a world's default. */
export function policyHeadKey(worldId: string): DocKey {
  return worldKey("policy_head", worldId);
}

/** @param version 0 for the default. */
export function policyNotFound(worldId: string, version: number): DomainError {
  const text =
    version === 0 ? `world ${worldId} has no policy` : `world ${worldId} has no policy version ${version}`;
  return new DomainError("POLICY_NOT_FOUND", text, {
    metadata: { world_id: worldId, version: String(version) },
  });
}
