import { canonicalJson } from "../../domain/canonical-json.ts";
import { parsePolicy } from "../../domain/decision/parse-policy.ts";
import { policyRules } from "../../domain/decision/policy-rules.ts";
import type { DomainEventOf } from "../../domain/events/types.ts";
import type { JsonObject } from "../../domain/json.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { Doc, DocKey, DocPut } from "../../ports/store.ts";
import type { AuditBody } from "../shared/audit.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { sha256 } from "../shared/hashing.ts";
import { stored } from "../shared/keys.ts";
import { assertNoneDeleted, registryKey } from "../shared/known-worlds.ts";
import {
  NO_POLICIES,
  type PolicyHead,
  policyHeadKey,
  policyKey,
  policyNotFound,
  type StoredPolicy,
} from "./policy-docs.ts";
import type { PolicyAt } from "./read-policies.ts";

/** A world's policies as they were read under its lock. */
interface LockedWorld {
  readonly lease: Lease;
  readonly head: PolicyHead;
  /** Revision of the newest change, 0 = none: no two changes rest on the same. */
  readonly headVersion: number;
  readonly extra: Doc | undefined;
}

/**
 * Stores rules as the next version of a world's policy. The first version becomes the default.
 *
 * @param path proto path of the rules, for errors.
 * @throws DomainError INVALID_FIELD, WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function createPolicy(
  deps: WriteDeps,
  worldId: string,
  rules: { readonly body: JsonObject; readonly path: string },
  options: CallOptions,
): Promise<PolicyAt> {
  const body = policyRules(parsePolicy(rules.body, rules.path));
  return underLock(deps, worldId, undefined, options, async (world) => {
    const version = world.head.latest + 1;
    const checksum = sha256(canonicalJson(body));
    const policy: StoredPolicy = { worldId, version, body, checksum, createdAtMs: deps.clock.now() };
    const head = { latest: version, defaultVersion: world.head.defaultVersion || version };
    await save(deps, world, policy, head, [{ key: policyKey(worldId, version), body: toStored(policy) }]);
    return { policy, isDefault: head.defaultVersion === version };
  });
}

/**
 * Makes a version the default of its world; the default again changes nothing.
 *
 * @throws DomainError POLICY_NOT_FOUND, WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function setDefaultPolicy(
  deps: WriteDeps,
  worldId: string,
  version: number,
  options: CallOptions,
): Promise<PolicyAt> {
  return underLock(deps, worldId, policyKey(worldId, version), options, async (world) => {
    const policy = stored<StoredPolicy>(world.extra);
    if (policy === undefined) throw policyNotFound(worldId, version);
    if (world.head.defaultVersion !== version) {
      await save(deps, world, policy, { ...world.head, defaultVersion: version }, []);
    }
    return { policy, isDefault: true };
  });
}

async function underLock<T>(
  deps: WriteDeps,
  worldId: string,
  extra: DocKey | undefined,
  options: CallOptions,
  work: (world: LockedWorld) => Promise<T>,
): Promise<T> {
  const keys = [registryKey(worldId), policyHeadKey(worldId), ...(extra === undefined ? [] : [extra])];
  const { lease, context } = await deps.locks.acquire([worldId], { ...options, read: { keys } });
  try {
    const [registry, head, doc] = context.docs;
    assertNoneDeleted([worldId], [registry]);
    const known = stored<PolicyHead>(head) ?? NO_POLICIES;
    return await work({ lease, head: known, headVersion: head?.version ?? 0, extra: doc });
  } finally {
    await lease.release();
  }
}

/** The document (if new), the head, the event and the audit line, in one commit. */
async function save(
  deps: WriteDeps,
  { lease, headVersion }: LockedWorld,
  policy: StoredPolicy,
  head: PolicyHead,
  puts: readonly DocPut[],
): Promise<void> {
  const { worldId, version, checksum } = policy;
  const nowMs = deps.clock.now();
  const event = policyUpdated(policy, head.defaultVersion, headVersion, nowMs);
  const call = puts.length > 0 ? "CreatePolicy" : "SetDefaultPolicy";
  const audit: AuditBody = {
    action: puts.length > 0 ? "policy_created" : "default_policy_set",
    rpc: `worldservice.v1.PolicyService/${call}`,
    runId: "",
    timeMs: nowMs,
    details: { version, checksum, default_version: head.defaultVersion },
  };
  const outcome = await deps.store.commit({
    lease,
    puts: [...puts, { key: policyHeadKey(worldId), body: toStored(head) }],
    events: [{ worldId, body: toStored(event) }],
    audit: [{ worldId, body: JSON.stringify(audit) }],
    release: true,
  });
  effectOf(outcome, "");
}

function policyUpdated(
  { worldId, version, body, checksum, createdAtMs }: StoredPolicy,
  defaultVersion: number,
  headVersion: number,
  nowMs: number,
): DomainEventOf<"POLICY_UPDATED"> {
  return {
    type: "POLICY_UPDATED",
    worldId,
    timeMs: nowMs,
    correlationId: `policy:${worldId}:${version}`,
    idempotencyKey: `policy_updated:${worldId}:${version}:${headVersion}`,
    schemaVersion: 1,
    payload: { version, body, checksum, createdAtMs, defaultVersion, active: [] },
  };
}
