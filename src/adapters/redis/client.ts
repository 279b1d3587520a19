import { createClient, type RedisClientOptions } from "redis";
import type { Address } from "../../settings/addresses.ts";
import type { RedisTarget } from "../../settings/store-target.ts";
import { storeUnavailable } from "./unavailable.ts";

/** TLS beyond the scheme `rediss`, all PEM texts. The certificate is always verified. */
export interface RedisTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string;
  /** Client certificate and key, where Redis asks for one. */
  readonly cert?: string;
  readonly key?: string;
  /** Name the certificate must carry, where it is not the host that is dialled. */
  readonly serverName?: string;
}

export type Argument = string | Buffer;

/** One connection to one Redis node. It never reconnects and never queues while offline: `Link` does the former. */
export interface Client {
  send(args: readonly Argument[]): Promise<unknown>;
  /** Called once when the connection is gone, for whatever reason but `destroy`. */
  onLost(listener: (cause: unknown) => void): void;
  /** Ends it at once; commands in flight reject. */
  destroy(): void;
}

/** Longest wait for a connection to be ready to use, in milliseconds. */
const CONNECT_LIMIT_MS = 2_000;
/** An idle connection is tested this often, and given up after this much silence. */
const PING_INTERVAL_MS = 5_000;
const SILENCE_LIMIT_MS = 12_000;

/** Who logs in where: a Sentinel has neither the database nor, usually, the users of the servers it watches. */
export type Login = Pick<RedisTarget, "username" | "password"> & { readonly database: number };

export const NO_LOGIN: Login = { username: undefined, password: undefined, database: 0 };

/** @throws DomainError STORE_UNAVAILABLE when it cannot be had in time. */
export async function connectClient(
  address: Address,
  login: Login,
  tls: RedisTls | undefined,
): Promise<Client> {
  const client = createClient(clientOptions(address, login, tls));
  let onLost: ((cause: unknown) => void) | undefined;
  let lastError: unknown;
  client.on("error", (error: unknown) => {
    lastError = error;
  });
  client.on("terminated", (cause: unknown) => onLost?.(cause ?? lastError));
  await within(CONNECT_LIMIT_MS, client.connect(), () => client.destroy());
  return {
    send: (args) => client.sendCommand(args as Argument[]),
    onLost(listener) {
      onLost = listener;
      if (!client.isReady) listener(lastError);
    },
    destroy() {
      onLost = undefined;
      client.destroy();
    },
  };
}

function clientOptions(address: Address, login: Login, tls: RedisTls | undefined): RedisClientOptions {
  const common = {
    ...address,
    connectTimeout: CONNECT_LIMIT_MS,
    socketTimeout: SILENCE_LIMIT_MS,
    reconnectStrategy: false as const,
  };
  return {
    socket: tls ? { ...common, tls: true, ...tlsOptions(tls) } : common,
    ...(login.username === undefined ? {} : { username: login.username }),
    ...(login.password === undefined ? {} : { password: login.password }),
    database: login.database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    pingInterval: PING_INTERVAL_MS,
    // The default makes an AbortSignal per command, at half the throughput; `Link` watches the time instead.
    commandOptions: { timeout: 0 },
  };
}

function tlsOptions({ ca, cert, key, serverName }: RedisTls) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** The promise's value, or STORE_UNAVAILABLE after `limitMs`; either failure runs `abandon`. */
async function within<T>(limitMs: number, promise: Promise<T>, abandon: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(storeUnavailable("Redis does not answer")), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    promise.catch(() => {});
    abandon();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
