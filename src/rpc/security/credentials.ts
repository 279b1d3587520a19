import { createHash, timingSafeEqual } from "node:crypto";
import type { PeerCertificate } from "../peer.ts";
import {
  type AuthenticatedPrincipal,
  type CertificateGrant,
  createPrincipal,
  type TokenGrant,
} from "./grants.ts";

/** Everybody who may call. */
export interface Credentials {
  readonly tokens: readonly TokenGrant[];
  readonly certificates: readonly CertificateGrant[];
}

/** What a caller shows: the header as it was sent (`Bearer <token>`), and the certificate of its connection. */
export interface Shown {
  readonly authorization: string | null;
  readonly certificate: PeerCertificate | undefined;
}

/** The credentials that count at this moment. */
export interface CredentialBook {
  /** None are configured: everybody may call everything. */
  isOpen(): boolean;
  /** A header counts before the certificate, and a wrong one is not made good by it. */
  authenticate(shown: Shown): AuthenticatedPrincipal | undefined;
  /** What the credential of an earlier authentication allows now; undefined when it no longer counts. */
  renewed(principal: AuthenticatedPrincipal): AuthenticatedPrincipal | undefined;
  /** Others count from the next call on; running subscriptions are judged anew. */
  replace(credentials: Credentials): void;
  onReplaced(listener: () => void): void;
}

/** @param now wall time, in milliseconds since the Unix epoch. */
export function createCredentialBook(credentials: Credentials, now: () => number): CredentialBook {
  let principals = principalsOf(credentials);
  const listeners: (() => void)[] = [];

  function byCertificate(certificate: PeerCertificate | undefined): AuthenticatedPrincipal | undefined {
    if (certificate === undefined) return undefined;
    return stillValid(principals.byUri.get(certificate.sanUri), certificate.validToMs);
  }

  /** A connection may outlive the certificate that it began with. */
  function stillValid(
    principal: AuthenticatedPrincipal | undefined,
    validToMs: number | undefined,
  ): AuthenticatedPrincipal | undefined {
    if (principal === undefined || (validToMs !== undefined && now() >= validToMs)) return undefined;
    return { ...principal, validToMs };
  }

  return {
    isOpen: () => principals.byToken.length === 0 && principals.byUri.size === 0,
    authenticate({ authorization, certificate }) {
      return authorization === null
        ? byCertificate(certificate)
        : findByToken(principals.byToken, authorization);
    },
    renewed({ credential, validToMs }) {
      return stillValid(principals.byCredential.get(credential), validToMs);
    },
    replace(replacement) {
      principals = principalsOf(replacement);
      for (const listener of listeners) listener();
    },
    onReplaced(listener) {
      listeners.push(listener);
    },
  };
}

interface Principals {
  readonly byToken: readonly TokenHolder[];
  readonly byUri: ReadonlyMap<string, AuthenticatedPrincipal>;
  readonly byCredential: ReadonlyMap<string, AuthenticatedPrincipal>;
}

interface TokenHolder {
  readonly digest: Buffer;
  readonly principal: AuthenticatedPrincipal;
}

function principalsOf({ tokens, certificates }: Credentials): Principals {
  const byToken = tokens.map((grant) => ({
    digest: Buffer.from(grant.tokenSha256, "hex"),
    principal: createPrincipal(grant, `token:${grant.tokenSha256}`),
  }));
  const byUri = new Map(
    certificates.map((grant) => [grant.sanUri, createPrincipal(grant, `certificate:${grant.sanUri}`)]),
  );
  const all = [...byToken.map(({ principal }) => principal), ...byUri.values()];
  return { byToken, byUri, byCredential: new Map(all.map((principal) => [principal.credential, principal])) };
}

/** The characters of RFC 6750; a longer token than this is no token of ours. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,1024}) *$/i;

/** Every holder is compared, and each in constant time, so that the time taken tells nothing of the tokens. */
function findByToken(
  holders: readonly TokenHolder[],
  authorization: string,
): AuthenticatedPrincipal | undefined {
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  const digest = createHash("sha256").update(token).digest();
  let found: AuthenticatedPrincipal | undefined;
  for (const holder of holders) {
    if (timingSafeEqual(holder.digest, digest)) found = holder.principal;
  }
  return found;
}
