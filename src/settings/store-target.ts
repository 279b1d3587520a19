/** The setting `store`: where the book lives. */
import { type Address, parseAddress, showAddress } from "./addresses.ts";
import { type Kind, parsed } from "./kinds.ts";

export type StoreTarget = SqliteTarget | MemoryTarget | RedisTarget;

/** One file, one process. `path` is relative to the working directory unless absolute. */
export interface SqliteTarget {
  readonly kind: "sqlite";
  readonly path: string;
}

/** Gone when the process ends. */
export interface MemoryTarget {
  readonly kind: "memory";
}

export type RedisTarget = RedisSingle | RedisCluster | RedisSentinel;

interface RedisCommon {
  readonly kind: "redis";
  /** As given, credentials included: hand it to the client, never to a log. `describeStore` is safe to show. */
  readonly url: string;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export interface RedisSingle extends RedisCommon, Address {
  readonly topology: "single";
  readonly database: number;
}

/** A Cluster has no databases; any of the nodes tells about the others. */
export interface RedisCluster extends RedisCommon {
  readonly topology: "cluster";
  readonly nodes: readonly Address[];
}

/** The sentinels are asked who the master is; credentials are those of the master and its replicas. */
export interface RedisSentinel extends RedisCommon {
  readonly topology: "sentinel";
  readonly sentinels: readonly Address[];
  readonly masterName: string;
  readonly database: number;
}

const FORMS =
  "sqlite:<path>, memory:, redis://[user:password@]host[:port][/database], " +
  "redis+cluster://host:port,host:port, redis+sentinel://host:port,host:port/master-name[/database]; " +
  "rediss in place of redis for TLS";

export const storeKind: Kind<StoreTarget> = parsed("store", FORMS, parseStore, describeStore);

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

/** The target, or the reason why `text` names none. */
export function parseStore(text: string): StoreTarget | string {
  if (text === "memory:") return { kind: "memory" };
  if (text.startsWith("sqlite:")) return parseSqlite(text.slice("sqlite:".length));
  const match = /^redis(s?)(?:\+(cluster|sentinel))?:\/\/(?:(.*)@)?([^/@?#]*)(?:\/([^?#]*))?$/.exec(text);
  if (!match) return "has none of the known forms";
  const [, secure, topology, credentials, authority = "", path = ""] = match;
  const login = parseCredentials(credentials);
  if (login === undefined) return "has credentials that are not percent-encoded";
  const common = { kind: "redis", url: text, tls: secure === "s", ...login } as const;
  if (topology === "cluster") return parseCluster(common, authority, path);
  if (topology === "sentinel") return parseSentinel(common, authority, path);
  return parseSingle(common, authority, path);
}

/** The store without its credentials, in the form a user would write. */
export function describeStore(store: StoreTarget): string {
  if (store.kind === "memory") return "memory:";
  if (store.kind === "sqlite") return `sqlite:${store.path}`;
  const login = store.username !== undefined || store.password !== undefined ? "***@" : "";
  const scheme = `redis${store.tls ? "s" : ""}`;
  switch (store.topology) {
    case "single":
      return `${scheme}://${login}${showAddress(store)}/${store.database}`;
    case "cluster":
      return `${scheme}+cluster://${login}${store.nodes.map(showAddress).join(",")}`;
    case "sentinel":
      return `${scheme}+sentinel://${login}${store.sentinels.map(showAddress).join(",")}/${store.masterName}/${store.database}`;
  }
}

function parseSqlite(path: string): SqliteTarget | string {
  if (path === "" || path === ":memory:") return "names no file (memory: is the store without one)";
  if (path.endsWith("/")) return "names a directory, not a file";
  return { kind: "sqlite", path };
}

function parseSingle(common: RedisCommon, authority: string, path: string): RedisSingle | string {
  const address = parseAddress(authority, REDIS_PORT);
  if (!address) return "has no valid host:port";
  const database = parseDatabase(path);
  return database === undefined ? NOT_A_DATABASE : { ...common, topology: "single", ...address, database };
}

function parseCluster(common: RedisCommon, authority: string, path: string): RedisCluster | string {
  const nodes = parseAddresses(authority, REDIS_PORT);
  if (!nodes) return "has a node that is not a valid host:port";
  return path === ""
    ? { ...common, topology: "cluster", nodes }
    : "names a database, which a Redis Cluster does not have";
}

function parseSentinel(common: RedisCommon, authority: string, path: string): RedisSentinel | string {
  const sentinels = parseAddresses(authority, SENTINEL_PORT);
  if (!sentinels) return "has a sentinel that is not a valid host:port";
  const [masterName = "", databaseText = "", ...rest] = path.split("/");
  if (!/^[\w.-]+$/.test(masterName) || rest.length > 0) return "needs /master-name after the sentinels";
  const database = parseDatabase(databaseText);
  if (database === undefined) return NOT_A_DATABASE;
  return { ...common, topology: "sentinel", sentinels, masterName, database };
}

const NOT_A_DATABASE = "has a database that is not a number from 0 to 9999";

function parseDatabase(text: string): number | undefined {
  if (text === "") return 0;
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function parseAddresses(authority: string, defaultPort: number): readonly Address[] | undefined {
  const addresses = authority.split(",").map((node) => parseAddress(node, defaultPort));
  return addresses.every((address) => address !== undefined) ? addresses : undefined;
}

/** `user:password`, `:password` or `user`, percent-decoded. */
function parseCredentials(text: string | undefined) {
  if (text === undefined) return { username: undefined, password: undefined };
  const [username = "", ...password] = text.split(":");
  try {
    return { username: decoded(username), password: decoded(password.join(":")) };
  } catch {
    return undefined; // a stray % that is no encoding
  }
}

function decoded(text: string): string | undefined {
  return text === "" ? undefined : decodeURIComponent(text);
}
