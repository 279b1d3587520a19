import type { IncomingMessage } from "node:http";
import { Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "../peer.ts";
import { uriOf } from "./alternative-names.ts";

/** A connection's peer does not change, and reading a certificate takes long. */
const known = new WeakMap<object, Peer>();

const NOBODY: Peer = { address: "", certificate: undefined };

/** Who sent this request. */
export function peerOf(request: IncomingMessage | Http2ServerRequest): Peer {
  const connection = request instanceof Http2ServerRequest ? request.stream.session : request.socket;
  if (connection === undefined || connection.destroyed) return NOBODY;
  const earlier = known.get(connection);
  if (earlier !== undefined) return earlier;
  const peer = readPeer("socket" in connection ? connection.socket : connection);
  known.set(connection, peer);
  return peer;
}

function readPeer(socket: Socket): Peer {
  return { address: socket.remoteAddress ?? "", certificate: certificateOf(socket) };
}

/** Undefined for a certificate that nobody vouches for: not one of `tls_client_ca`, or without exactly one URI. */
function certificateOf(socket: Socket): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  const sanUri = uriOf(certificate?.subjectAltName ?? "");
  if (certificate === undefined || sanUri === undefined) return undefined;
  return { sanUri, validToMs: certificate.validToDate.getTime() };
}
