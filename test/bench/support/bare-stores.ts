/** The least that stores do: the yardsticks for commits. */
import { DatabaseSync } from "node:sqlite";
import { createClient } from "redis";

export interface BareStore {
  readonly writeName: string;
  readonly commitName: string;
  /** One durable write. */
  write(caller: number): Promise<unknown>;
  /** One durable write of what a commit is at least: a check, a state, an event. */
  commit(caller: number): Promise<unknown>;
  close(): void;
}

const BODY = "x".repeat(400);

const BARE_COMMIT = `
if redis.call("HGET", KEYS[1], "fence") ~= ARGV[1] then return -1 end
redis.call("HSET", KEYS[1], "body", ARGV[2])
redis.call("XADD", KEYS[2], "*", "event", ARGV[3])
return 1`;

export async function bareRedis(url: string): Promise<BareStore> {
  const client = createClient({ url, commandOptions: { timeout: 0 }, disableOfflineQueue: true });
  client.on("error", () => {}); // the call in flight reports it
  await client.connect();
  const sha = await client.scriptLoad(BARE_COMMIT);
  for (let caller = 0; caller < 64; caller++) await client.hSet(`{bare}:${caller}`, "fence", "1");
  return {
    writeName: "bare SET",
    commitName: "bare Lua commit",
    write: (caller) => client.sendCommand(["SET", `{bare}:set:${caller}`, BODY]),
    commit: (caller) =>
      client.sendCommand(["EVALSHA", sha, "2", `{bare}:${caller}`, "{bare}:log", "1", BODY, BODY]),
    close: () => client.destroy(),
  };
}

/** With the pragmas of the service's own store. SQLite has one writer: its callers stand in line. */
export function bareSqlite(path: string): BareStore {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)");
  const insert = db.prepare("INSERT INTO row (body) VALUES (?)");
  const write = async () => insert.run(BODY);
  return {
    writeName: "bare one-row transaction",
    commitName: "bare one-row transaction",
    write,
    commit: write,
    close: () => db.close(),
  };
}
