import { timingSafeEqual } from "node:crypto";
import type { HandlerContext } from "@connectrpc/connect";
import { type Principal, principalKey } from "../principal.ts";

/** Each role may do what those before it may. */
export const ROLES = ["reader", "operator", "owner"] as const;
export type Role = (typeof ROLES)[number];

/** A token as it is configured: known by its SHA-256, never by itself. */
export interface TokenGrant {
  /** The principal's name. */
  readonly name: string;
  /** 64 lower-case hexadecimal digits. */
  readonly tokenSha256: string;
  /** `worlds` are ids, or `*` for every world and the book as a whole. */
  readonly roles: readonly { readonly role: Role; readonly worlds: readonly string[] }[];
}

/** Who calls, and what the token allows. */
export interface AuthenticatedPrincipal extends Principal {
  readonly tokenDigest: Buffer;
  /** Whether there is any world at all for which the role is held. */
  hasRole(role: Role): boolean;
  /** Whether the role is held for all of these worlds; none, or an empty id, means the book as a whole. */
  may(role: Role, worlds: Iterable<string>): boolean;
}

export function createPrincipal({ name, tokenSha256, roles }: TokenGrant): AuthenticatedPrincipal {
  const worldsByRole = new Map(ROLES.map((role) => [role, worldsOf(roles, role)]));
  return {
    name,
    tokenDigest: Buffer.from(tokenSha256, "hex"),
    hasRole: (role) => (worldsByRole.get(role)?.size ?? 0) > 0,
    may(role, worlds) {
      const granted = worldsByRole.get(role) ?? NO_WORLDS;
      if (granted.has(ANY)) return true;
      let named = false;
      for (const world of worlds) {
        if (!granted.has(world)) return false;
        named = true;
      }
      return named;
    },
  };
}

/** Every principal is compared, and each in constant time, so that the time taken tells nothing of the tokens. */
export function findByDigest<T extends Pick<AuthenticatedPrincipal, "tokenDigest">>(
  principals: readonly T[],
  digest: Buffer,
): T | undefined {
  let found: T | undefined;
  for (const principal of principals) {
    if (timingSafeEqual(principal.tokenDigest, digest)) found = principal;
  }
  return found;
}

/** The name of the authenticated caller; undefined where no authentication is configured. */
export function principalOf(context: Pick<HandlerContext, "values">): string | undefined {
  return context.values.get(principalKey)?.name;
}

const ANY = "*";
const NO_WORLDS: ReadonlySet<string> = new Set();

/** The worlds for which a role is held, through itself or through a greater one. */
function worldsOf(grants: TokenGrant["roles"], role: Role): ReadonlySet<string> {
  const enough = grants.filter((grant) => ROLES.indexOf(grant.role) >= ROLES.indexOf(role));
  return new Set(enough.flatMap(({ worlds }) => worlds));
}
