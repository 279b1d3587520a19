import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { startServer, type TestServer } from "../../support/server.ts";
import { AUTH_CERTIFICATES, AUTH_TOKENS, bearer, sanUri } from "./support.ts";
import { certificateFolder } from "./support-certificates.ts";

/** How principals prove who they are: each of them calls in its own way. */
export interface Proof {
  /** @param flags further settings. */
  start(flags?: Flags): Promise<TestServer>;
  /** The transport and the headers of a principal; without a name, of nobody that the server knows. */
  callerOf(server: TestServer, name?: string): { transport: Transport; headers: Record<string, string> };
  end(): void;
}

type Flags = Readonly<Record<string, string | number | boolean>>;

/** Nobody is slowed down: what a test wants to know is who may. */
const LIMITS = { rate_limit: "1000000/s", auth_failure_limit: "1000000/s" };

function byToken(): Proof {
  return {
    start: (flags) => startServer({ auth_tokens: AUTH_TOKENS, ...LIMITS, ...flags }),
    callerOf: ({ transport }, name) => ({ transport, headers: name === undefined ? {} : bearer(name) }),
    end: () => undefined,
  };
}

function byCertificate(): Proof {
  const folder = certificateFolder();
  const [own, authority] = [folder.make("server"), folder.make("authority")];
  const nodeOptions = (name: string) => {
    const { cert, key } = folder.issue(name.replace("*", "all"), authority, `URI:${sanUri(name)}`);
    return { ca: folder.read(own.cert), cert: folder.read(cert), key: folder.read(key) };
  };
  const transports = new Map<string, Transport>();
  return {
    start: (flags) =>
      startServer({
        tls_cert: own.cert,
        tls_key: own.key,
        tls_client_ca: authority.cert,
        auth_certificates: AUTH_CERTIFICATES,
        ...LIMITS,
        ...flags,
      }),
    callerOf({ port }, name = "stranger") {
      const known = transports.get(name);
      const baseUrl = `https://localhost:${port}`;
      const transport = known ?? createGrpcTransport({ baseUrl, nodeOptions: nodeOptions(name) });
      transports.set(name, transport);
      return { transport, headers: {} };
    },
    end: folder.remove,
  };
}

/** Every test of rights runs for each of these. */
export const PROOFS: Readonly<Record<string, () => Proof>> = {
  tokens: byToken,
  certificates: byCertificate,
};
