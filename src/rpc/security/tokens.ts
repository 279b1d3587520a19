import { createHash } from "node:crypto";
import { type AuthenticatedPrincipal, createPrincipal, findByDigest, type TokenGrant } from "./grants.ts";

/** The tokens that count at this moment. */
export interface TokenBook {
  /** No tokens are configured: everybody may call everything. */
  isOpen(): boolean;
  /** @param authorization the header as it was sent: `Bearer <token>`. */
  authenticate(authorization: string | null): AuthenticatedPrincipal | undefined;
  /** What the token of an earlier authentication allows now; undefined when it no longer counts. */
  renewed(principal: AuthenticatedPrincipal): AuthenticatedPrincipal | undefined;
  /** New tokens count from the next call on; running subscriptions are judged anew. */
  replace(tokens: readonly TokenGrant[]): void;
  onReplaced(listener: () => void): void;
}

export function createTokenBook(tokens: readonly TokenGrant[]): TokenBook {
  let principals = tokens.map(createPrincipal);
  const listeners: (() => void)[] = [];
  return {
    isOpen: () => principals.length === 0,
    authenticate(authorization) {
      const token = BEARER.exec(authorization ?? "")?.[1];
      if (token === undefined) return undefined;
      return findByDigest(principals, createHash("sha256").update(token).digest());
    },
    renewed: ({ tokenDigest }) => findByDigest(principals, tokenDigest),
    replace(replacement) {
      principals = replacement.map(createPrincipal);
      for (const listener of listeners) listener();
    },
    onReplaced(listener) {
      listeners.push(listener);
    },
  };
}

/** The characters of RFC 6750; a longer token than this is no token of ours. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,1024}) *$/i;
