/** What the servers of a suite stand on: a Redis of its own, or a SQLite file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRedisStore } from "../../../src/adapters/redis/index.ts";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";

export type StoreKind = "redis" | "sqlite";

/** Short, so that what dead holders leave behind is free again soon. */
export const LOCK_TTL_MS = 700;
const BOOK = "chaos";

export interface Backing {
  readonly kind: StoreKind;
  /** Settings of a server on it. */
  readonly flags: Readonly<Record<string, string | number | boolean>>;
  /** How many servers can share it. */
  readonly servers: number;
  /** Only with Redis. */
  readonly redis: RedisServer | undefined;
  /** The store file; empty with Redis. */
  readonly file: string;
  /** Opens the book beside the servers (Redis) or after them (SQLite). */
  open(): Promise<OpenedStore>;
  close(): Promise<void>;
}

export function openBacking(kind: StoreKind): Promise<Backing> {
  return kind === "redis" ? onRedis() : onSqlite();
}

function flagsOf(store: string) {
  return {
    store,
    book: BOOK,
    lock_ttl: `${LOCK_TTL_MS}ms`,
    compat_rebalance_v2: true,
    port: 0,
    admin_port: 0,
    drain_timeout: "2s",
  };
}

/** @param config directives of redis.conf over the durable ones. */
export async function onRedis(config: Readonly<Record<string, string>> = {}): Promise<Backing> {
  const redis = await startRedis({ config });
  return {
    kind: "redis",
    flags: flagsOf(redis.url),
    servers: 3,
    redis,
    file: "",
    open: () =>
      openRedisStore({
        url: redis.url,
        book: BOOK,
        lockTtlMs: LOCK_TTL_MS,
        durability: "fsync",
        allowDegraded: false,
      }),
    close: () => redis.stop(),
  };
}

export function openFile(path: string): Promise<OpenedStore> {
  return openSqliteStore({ path, book: BOOK, lockTtlMs: LOCK_TTL_MS });
}

async function onSqlite(): Promise<Backing> {
  const folder = mkdtempSync(join(tmpdir(), "ws-chaos-"));
  const file = join(folder, "book.db");
  return {
    kind: "sqlite",
    flags: flagsOf(`sqlite:${file}`),
    servers: 1,
    redis: undefined,
    file,
    open: () => openFile(file),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
