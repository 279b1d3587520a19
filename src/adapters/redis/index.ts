import { randomBytes } from "node:crypto";
import type { OpenedStore } from "../../ports/opened-store.ts";
import type { StoreInfo } from "../../ports/store.ts";
import { describeStore, parseStore, type RedisTarget } from "../../settings/store-target.ts";
import { type Client, connectClient, type Login, type RedisTls } from "./client.ts";
import { CODE } from "./codes.ts";
import { durabilityReport } from "./durability.ts";
import { type BookKeys, bookKeys } from "./keys.ts";
import { type Link, openLink, type RedisLog } from "./link.ts";
import { locator } from "./locate.ts";
import { redisLocks } from "./locks.ts";
import { redisLog } from "./redis-log.ts";
import { redisStore } from "./redis-store.ts";
import { loadScripts, type Script, type Scripts } from "./scripts.ts";
import type { Session } from "./session.ts";
import { tailWatch } from "./tail-watch.ts";
import { storeUnavailable, translated } from "./unavailable.ts";

export type { RedisTls } from "./client.ts";
export type { RedisLog } from "./link.ts";

export interface RedisStoreOptions {
  /** `redis[s]://…`, `redis[s]+cluster://…` or `redis[s]+sentinel://…`, as the setting `store` takes it. */
  readonly url: string;
  /** Certificates beyond what the system trusts; implies TLS. */
  readonly tls?: RedisTls;
  /** Name of the book: any text. Books on one Redis do not see each other. */
  readonly book: string;
  /** Locks expire after so many milliseconds without renewal. */
  readonly lockTtlMs: number;
  /** Locks are not renewed beyond so many milliseconds; 30,000 by default. */
  readonly lockMaxHoldMs?: number;
  /** `fsync`: a commit is answered when it is on disk; `replicated`: when replicas have it as well. */
  readonly durability: "fsync" | "replicated";
  /** Accept a Redis that may lose acknowledged commits, and say so in `StoreInfo.durability`. */
  readonly allowDegraded: boolean;
  /** `replicated` only: how many replicas (1), and the longest wait for them in milliseconds (1,000). */
  readonly replicas?: number;
  readonly replicationTimeoutMs?: number;
  /** A command not answered in so many milliseconds is given up, and its connection with it; 2,000 by default. */
  readonly answerLimitMs?: number;
  readonly log?: RedisLog;
}

/** Version of the layout of keys and values. A book written by a newer one is refused. */
const SCHEMA = 1;
const LOCK_MAX_HOLD_MS = 30_000;
const ANSWER_LIMIT_MS = 2_000;
const REPLICATION_TIMEOUT_MS = 1_000;
const TAIL_BLOCK_MS = 2_000;

/**
 * Opens a book on Redis.
 *
 * @throws Error when the URL names no Redis, when the settings of this Redis put acknowledged commits at risk (the
 *   message says what to set) and that was not allowed, or when a newer program wrote the book.
 * @throws DomainError STORE_UNAVAILABLE when Redis cannot be reached.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<OpenedStore> {
  const opening = prepareOpening(options);
  const { keys, scripts, state } = opening;
  const replicated = options.durability === "replicated";
  const link = await firstLink(opening, "reads and locks");
  // WAIT holds up everything behind it on its connection.
  const commitLink = replicated ? await firstLink(opening, "commits") : link;
  const session: Session = {
    keys,
    scripts,
    link,
    commitLink,
    waitFor: replicated
      ? { replicas: options.replicas ?? 1, timeoutMs: options.replicationTimeoutMs ?? REPLICATION_TIMEOUT_MS }
      : undefined,
    storeId: () => state.storeId,
  };
  const locks = redisLocks(session, {
    ttlMs: options.lockTtlMs,
    maxHoldMs: options.lockMaxHoldMs ?? LOCK_MAX_HOLD_MS,
  });
  const tail = tailWatch({
    logKey: keys.log,
    openLink: () => feedLink(opening),
    headRevision: async () => Number(await link.call(["HGET", keys.meta, "revision"])),
    blockMs: TAIL_BLOCK_MS,
    answerLimitMs: opening.link.answerLimitMs,
  });

  async function close(): Promise<void> {
    locks.close();
    await tail.close();
    await link.close();
    await commitLink.close();
  }

  const store = redisStore({
    session,
    locks,
    info: storeInfo(options, state),
    onCommitted: tail.committed,
    close,
  });
  return { store, locks, log: redisLog(session, tail), close: store.close };
}

/**
 * Gives the book a new store id, once, after its Redis was restored from a copy (an RDB or AOF file put back): the
 * copy lacks the newest commits, and their numbers will be given out again. Cursors taken before carry the old id and
 * are refused instead of silently skipping events. Runs that were acknowledged after the copy was made are gone:
 * repeating them executes them anew.
 *
 * To restore: stop the services; stop Redis, put the copy of its data directory back, start it; mint; start the services.
 *
 * @returns the new store id.
 * @throws Error when this Redis holds no such book.
 */
export async function mintRedisStoreId(url: string, book: string, tls?: RedisTls): Promise<string> {
  const { connect, scripts, keys } = prepareConnecting({ url, book, ...(tls ? { tls } : {}) });
  const client = await connect();
  try {
    const reply = await evaluate(client, scripts["mint-store-1"], keys, [newStoreId()]);
    if (reply[0] !== CODE.DONE) throw new Error(`this Redis holds no book named ${JSON.stringify(book)}`);
    return String(reply[1]);
  } finally {
    client.destroy();
  }
}

/** What is known of the far end; changes when a connection finds another history there. */
interface FarEnd {
  storeId: string;
  degraded: boolean;
}

function storeInfo({ durability }: RedisStoreOptions, state: FarEnd): StoreInfo {
  return {
    kind: "redis",
    get durability() {
      return state.degraded ? "degraded" : durability;
    },
    get storeId() {
      return state.storeId;
    },
  };
}

function prepareConnecting({ url, book, tls }: Pick<RedisStoreOptions, "url" | "book" | "tls">) {
  const target = redisTarget(url);
  const login: Login = { ...target, database: target.topology === "cluster" ? 0 : target.database };
  const security = tls ?? (target.tls ? {} : undefined);
  const keys = bookKeys(book);
  const locate = locator(target, login, security, keys.meta);
  const connect = async () => connectClient(await locate(), login, security);
  return { target, keys, scripts: loadScripts(), connect };
}

function redisTarget(url: string): RedisTarget {
  const target = parseStore(url);
  if (typeof target === "string") throw new Error(`the store URL ${target}`);
  if (target.kind !== "redis") throw new Error("the store URL names no Redis");
  return target;
}

function prepareOpening(options: RedisStoreOptions) {
  const { target, keys, scripts, connect } = prepareConnecting(options);
  const state: FarEnd = { storeId: "", degraded: false };
  const log: RedisLog = options.log ?? (() => {});
  const prepare = async (client: Client) => {
    state.degraded = await checkDurability(client, options, log);
    state.storeId = await openBook(client, scripts["open-book-1"], keys);
    await loadAll(client, scripts);
  };
  const link = { connect, prepare, answerLimitMs: options.answerLimitMs ?? ANSWER_LIMIT_MS, log };
  return { target, keys, scripts, state, link };
}

async function firstLink(
  { target, link }: ReturnType<typeof prepareOpening>,
  purpose: string,
): Promise<Link> {
  try {
    return await openLink({ ...link, purpose });
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw storeUnavailable(`cannot open the book on ${describeStore(target)}: ${reason}`, error);
  }
}

/** Opened when the first one waits for commits, so its failure is a refusal of that wait. */
async function feedLink({ link }: ReturnType<typeof prepareOpening>): Promise<Link> {
  try {
    return await openLink({ ...link, purpose: "feed", prepare: () => Promise.resolve() });
  } catch (error) {
    throw translated(error);
  }
}

/** This Redis, or this book, must not be used as it is. */
class RefusedError extends Error {}

/** True when the server is degraded, and that is allowed. */
async function checkDurability(
  client: Client,
  { allowDegraded }: RedisStoreOptions,
  log: RedisLog,
): Promise<boolean> {
  const { problems, warnings } = await durabilityReport(client);
  if (warnings.length > 0) {
    log("warn", "Redis may put an old commit over a newer one when it restarts after a power loss", {
      advice: warnings.join("; "),
    });
  }
  if (problems.length === 0) return false;
  const text = problems.join("; ");
  if (!allowDegraded) {
    throw new RefusedError(
      `this Redis may lose acknowledged commits: ${text}. Or accept it with allow_degraded_durability.`,
    );
  }
  log("warn", "Redis may lose acknowledged commits, which the settings allow", { problems: text });
  return true;
}

async function openBook(client: Client, script: Script, keys: BookKeys): Promise<string> {
  const [code, answer] = await evaluate(client, script, keys, [String(SCHEMA), newStoreId()]);
  if (code === CODE.SCHEMA_NEWER) {
    throw new RefusedError(
      `the book has schema version ${String(answer)}, this program knows up to ${SCHEMA}`,
    );
  }
  return String(answer);
}

async function evaluate(
  client: Client,
  script: Script,
  keys: BookKeys,
  args: string[],
): Promise<readonly unknown[]> {
  return (await client.send(["EVAL", script.source, "1", keys.meta, ...args])) as unknown[];
}

/** So that the first callers need not send the sources; a user who may not load scripts makes them do that. */
async function loadAll(client: Client, scripts: Scripts): Promise<void> {
  await Promise.allSettled(
    Object.values(scripts).map(({ source }) => client.send(["SCRIPT", "LOAD", source])),
  );
}

function newStoreId(): string {
  return randomBytes(16).toString("hex");
}
