import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { EdgeTls } from "../edge/acceptor.ts";

/** Paths of PEM files. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
  /** With it, only callers with a certificate of this authority get in. */
  readonly clientCa?: string | undefined;
}

/**
 * Reads a certificate and what belongs to it.
 *
 * @throws Error naming the paths when a file cannot be read or certificate and key do not fit together.
 */
export async function readCertificates({ cert, key, clientCa }: CertificatePaths): Promise<EdgeTls> {
  const [certPem, keyPem, caPem] = await Promise.all([
    read("tls_cert", cert),
    read("tls_key", key),
    clientCa === undefined ? undefined : read("tls_client_ca", clientCa),
  ]);
  const tls = { cert: certPem, key: keyPem, ...(caPem === undefined ? {} : { clientCa: caPem }) };
  try {
    createSecureContext({ cert: tls.cert, key: tls.key, ca: tls.clientCa });
  } catch (cause) {
    throw unusable(`tls_cert ${cert}, tls_key ${key} and tls_client_ca cannot be used together`, cause);
  }
  return tls;
}

/** Follows the files until it is stopped. */
export interface CertificateWatch {
  start(): void;
  stop(): Promise<void>;
}

export interface CertificateWatchOptions {
  readonly paths: CertificatePaths;
  readonly current: EdgeTls;
  /** How often the files are looked at, in milliseconds. */
  readonly intervalMs: number;
  readonly onChange: (tls: EdgeTls) => void;
  /** Told once per fault, and again after it changed; the certificate in use stays. */
  readonly onError: (error: Error) => void;
}

/**
 * Tells when the files hold another certificate. It compares contents: mounted secrets are replaced through links,
 * which change neither the time nor the number of the file that a watch of the system would look at.
 */
export function watchCertificates(options: CertificateWatchOptions): CertificateWatch {
  const { paths, intervalMs, onChange, onError } = options;
  let { current } = options;
  let lastFault: string | undefined;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    try {
      const found = await readCertificates(paths);
      lastFault = undefined;
      if (isSame(found, current)) return;
      current = found;
      onChange(found);
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(String(error));
      if (fault.message !== lastFault) onError(fault);
      lastFault = fault.message;
    }
  }

  return {
    start() {
      timer = setInterval(() => {
        looking ??= look().finally(() => {
          looking = undefined;
        });
      }, intervalMs);
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}

async function read(setting: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unusable(`${setting}: ${path} cannot be read`, cause);
  }
}

/** Its name tells `main` that the operator can mend it. */
function unusable(message: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: "CertificateError" });
}

function isSame(one: EdgeTls, other: EdgeTls): boolean {
  return (["cert", "key", "clientCa"] as const).every((part) => String(one[part]) === String(other[part]));
}
