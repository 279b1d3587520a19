import type { HandlerContext } from "@connectrpc/connect";
import { type Principal, principalKey } from "../principal.ts";

/** Each role may do what those before it may. */
export const ROLES = ["reader", "operator", "owner"] as const;
export type Role = (typeof ROLES)[number];

/** A principal as it is configured. */
export interface Grant {
  /** The principal's name. */
  readonly name: string;
  /** `worlds` are ids, or `*` for every world and the book as a whole. */
  readonly roles: readonly { readonly role: Role; readonly worlds: readonly string[] }[];
}

/** One that sends a token: known by its SHA-256, never by itself. */
export interface TokenGrant extends Grant {
  /** 64 lower-case hexadecimal digits. */
  readonly tokenSha256: string;
}

/** One that shows a certificate: known by the URI of its subject alternative name. */
export interface CertificateGrant extends Grant {
  readonly sanUri: string;
}

/** Who calls, and what its credential allows. */
export interface AuthenticatedPrincipal extends Principal {
  /** Tells its credential from all others. */
  readonly credential: string;
  /** When the credential runs out by itself, in milliseconds since the Unix epoch; undefined = never. */
  readonly validToMs: number | undefined;
  /** Whether there is any world at all for which the role is held. */
  hasRole(role: Role): boolean;
  /** Whether the role is held for all of these worlds; none, or an empty id, means the book as a whole. */
  may(role: Role, worlds: Iterable<string>): boolean;
}

export function createPrincipal({ name, roles }: Grant, credential: string): AuthenticatedPrincipal {
  const worldsByRole = new Map(ROLES.map((role) => [role, worldsOf(roles, role)]));
  return {
    name,
    credential,
    validToMs: undefined,
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

/** The name of the authenticated caller; undefined where no authentication is configured. */
export function principalOf(context: Pick<HandlerContext, "values">): string | undefined {
  return context.values.get(principalKey)?.name;
}

const ANY = "*";
const NO_WORLDS: ReadonlySet<string> = new Set();

/** The worlds for which a role is held, through itself or through a greater one. */
function worldsOf(grants: Grant["roles"], role: Role): ReadonlySet<string> {
  const enough = grants.filter((grant) => ROLES.indexOf(grant.role) >= ROLES.indexOf(role));
  return new Set(enough.flatMap(({ worlds }) => worlds));
}
