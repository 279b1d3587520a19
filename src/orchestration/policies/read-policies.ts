import { fromStored } from "../../domain/stored-json.ts";
import type { Store } from "../../ports/store.ts";
import { stored } from "../shared/keys.ts";
import {
  NO_POLICIES,
  type PolicyHead,
  policyHeadKey,
  policyKey,
  policyNotFound,
  type StoredPolicy,
} from "./policy-docs.ts";

/** A policy, and whether it is its world's default by now. */
export interface PolicyAt {
  readonly policy: StoredPolicy;
  readonly isDefault: boolean;
}

/** Where a page of policies ended. */
export interface PolicyPosition {
  readonly id: string;
  readonly created: number;
}

export async function readHead(store: Store, worldId: string): Promise<PolicyHead> {
  const { docs } = await store.read({ keys: [policyHeadKey(worldId)] });
  return stored<PolicyHead>(docs[0]) ?? NO_POLICIES;
}

/**
 * @param version 0 for the world's default.
 * @throws DomainError POLICY_NOT_FOUND, STORE_UNAVAILABLE.
 */
export async function getPolicy(store: Store, worldId: string, version: number): Promise<PolicyAt> {
  const { defaultVersion } = await readHead(store, worldId);
  const wanted = version === 0 ? defaultVersion : version;
  const { docs } = await store.read({ keys: [policyKey(worldId, wanted)] });
  const policy = stored<StoredPolicy>(docs[0]);
  if (policy === undefined) throw policyNotFound(worldId, version);
  return { policy, isDefault: policy.version === defaultVersion };
}

/** A world's policies, newest first. */
export async function listPolicies(
  store: Store,
  worldId: string,
  limit: number,
  after: PolicyPosition | undefined,
): Promise<{ readonly policies: readonly PolicyAt[]; readonly next: PolicyPosition | undefined }> {
  const query = { kind: "policy", scope: worldId, limit: limit + 1 } as const;
  const docs = await store.list(after === undefined ? query : { ...query, after });
  const { defaultVersion } = await readHead(store, worldId);
  const page = docs.slice(0, limit);
  const policies = page.map((doc) => {
    const policy = fromStored<StoredPolicy>(doc.body);
    return { policy, isDefault: policy.version === defaultVersion };
  });
  const last = docs.length > limit ? page.at(-1) : undefined;
  return { policies, next: last && { id: last.key.id, created: last.created } };
}
