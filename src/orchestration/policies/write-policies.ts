import { canonicalJson } from "../../domain/canonical-json.ts";
import { parsePolicy } from "../../domain/decision/parse-policy.ts";
import { policyRules } from "../../domain/decision/policy-rules.ts";
import type { DomainEventOf, WorldFacts } from "../../domain/events/types.ts";
import type { JsonObject } from "../../domain/json.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { Doc, DocKey, DocPut } from "../../ports/store.ts";
import { auditLine, type Cause } from "../activation/commit-change.ts";
import type { Caller } from "../activation/deps.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { sha256 } from "../shared/hashing.ts";
import { stored } from "../shared/keys.ts";
import { assertNoneDeleted, registryKey } from "../shared/known-worlds.ts";
import { sealWorld, worldWrites } from "../worlds/seal.ts";
import {
  NO_POLICIES,
  type PolicyHead,
  policyHeadKey,
  policyKey,
  policyNotFound,
  type StoredPolicy,
} from "./policy-docs.ts";
import type { PolicyAt } from "./read-policies.ts";

/** Rules to store, and who stores them. */
export interface CreatePolicyCall {
  readonly worldId: string;
  readonly body: JsonObject;
  /** Proto path of the rules, for errors. */
  readonly path: string;
  readonly caller: Caller;
}

/** A version to make the default, and who does so. */
export interface SetDefaultCall {
  readonly worldId: string;
  readonly version: number;
  readonly caller: Caller;
}

/** A world's policies as they were read under its lock. */
interface LockedWorld {
  readonly lease: Lease;
  /** Undefined for a world that is not registered. */
  readonly registered: WorldFacts | undefined;
  readonly head: PolicyHead;
  /** Revision of the newest change, 0 = none: no two changes rest on the same. */
  readonly headVersion: number;
  readonly extra: Doc | undefined;
}

/**
 * Stores rules as the next version of a world's policy. The first version becomes the default.
 *
 * @throws DomainError INVALID_FIELD, WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function createPolicy(
  deps: WriteDeps,
  call: CreatePolicyCall,
  options: CallOptions,
): Promise<PolicyAt> {
  const { worldId, caller } = call;
  const body = policyRules(parsePolicy(call.body, call.path));
  return underLock(deps, worldId, undefined, options, async (world) => {
    const version = world.head.latest + 1;
    const checksum = sha256(canonicalJson(body));
    const policy: StoredPolicy = { worldId, version, body, checksum, createdAtMs: deps.clock.now() };
    const head = { latest: version, defaultVersion: world.head.defaultVersion || version };
    const nowMs = policy.createdAtMs;
    await save(deps, world, { policy, head, nowMs, caller, action: "policy_created" });
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
  call: SetDefaultCall,
  options: CallOptions,
): Promise<PolicyAt> {
  const { worldId, version, caller } = call;
  return underLock(deps, worldId, policyKey(worldId, version), options, async (world) => {
    const policy = stored<StoredPolicy>(world.extra);
    if (policy === undefined) throw policyNotFound(worldId, version);
    if (world.head.defaultVersion !== version) {
      const head = { ...world.head, defaultVersion: version };
      const nowMs = deps.clock.now();
      await save(deps, world, { policy, head, nowMs, caller, action: "default_policy_set" });
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
    const registered = stored<WorldFacts>(registry);
    return await work({ lease, registered, head: known, headVersion: head?.version ?? 0, extra: doc });
  } finally {
    await lease.release();
  }
}

/** A change of a world's policies. */
interface PolicyChange extends Pick<Cause, "caller" | "nowMs"> {
  readonly action: "policy_created" | "default_policy_set";
  readonly policy: StoredPolicy;
  /** After the change. */
  readonly head: PolicyHead;
}

/** The policy, the head, what the registry says of the default, events and audit line, in one commit. */
async function save(deps: WriteDeps, world: LockedWorld, change: PolicyChange): Promise<void> {
  const { policy, head, action, caller, nowMs } = change;
  const { worldId, version, checksum } = policy;
  const registry = registryWrites(world.registered, head, nowMs);
  const event = policyUpdated(policy, head.defaultVersion, world.headVersion, nowMs);
  const details = { version, checksum, default_version: head.defaultVersion };
  const outcome = await deps.store.commit({
    lease: world.lease,
    puts: [
      ...(action === "policy_created" ? [policyPut(policy)] : []),
      { key: policyHeadKey(worldId), body: toStored(head) },
      ...registry.puts,
    ],
    events: [{ worldId, body: toStored(event) }, ...registry.events],
    audit: [auditLine(worldId, { caller, action, runId: "", nowMs, details })],
    release: true,
  });
  effectOf(outcome, "");
}

function policyPut(policy: StoredPolicy): DocPut {
  return { key: policyKey(policy.worldId, policy.version), body: toStored(policy) };
}

/** A registered world tells its default policy too. */
function registryWrites(world: WorldFacts | undefined, { defaultVersion }: PolicyHead, nowMs: number) {
  if (world === undefined || world.defaultPolicyVersion === defaultVersion) return { puts: [], events: [] };
  const { etag: _sealedAnew, ...before } = world;
  const after = { ...before, defaultPolicyVersion: defaultVersion, updatedAtMs: nowMs };
  return worldWrites(sealWorld(after, world));
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
    idempotencyKey: `policy_updated:${encodeURIComponent(worldId)}:${version}:${headVersion}`,
    schemaVersion: 1,
    payload: { version, body, checksum, createdAtMs, defaultVersion, active: [] },
  };
}
