import { type ContextKey, createContextKey } from "@connectrpc/connect";

/** The certificate that a caller showed, and that `tls_client_ca` vouches for. */
export interface PeerCertificate {
  /** The one URI of its subject alternative name. */
  readonly sanUri: string;
  /** When it runs out, in milliseconds since the Unix epoch. */
  readonly validToMs: number;
}

/** Who is at the other end of a connection. */
export interface Peer {
  /** IP address; empty where the connection has gone already. */
  readonly address: string;
  readonly certificate: PeerCertificate | undefined;
}

/** Set for every call before its gate is asked. */
export const peerKey: ContextKey<Peer | undefined> = createContextKey<Peer | undefined>(undefined, {
  description: "the other end of the connection",
});
