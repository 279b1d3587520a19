/**
 * Real Redis servers for tests: the shared one (`redisUrl`), and throw-away ones that a fault test may kill,
 * pause and restart (`startRedis`). Everything listens on loopback, and only what was started here is stopped.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Longest wait for a server to answer, and for one to end after SIGTERM, in milliseconds. */
const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 5_000;
/** Another process may take the free port between our look and Redis's bind. */
const PORT_ATTEMPTS = 3;

/** What the service demands of a Redis before it trusts it: every acknowledged write is on disk, none is evicted. */
const DURABLE: Readonly<Record<string, string>> = {
  appendonly: "yes",
  appendfsync: "always",
  "aof-load-truncated": "no",
  "maxmemory-policy": "noeviction",
  save: "",
};

export interface RedisOptions {
  /** Directives of redis.conf, laid over the durable ones, for example `{ requirepass: "x" }`. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  /** SIGKILL, as a crash: nothing is flushed. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Stops answering without closing connections (SIGSTOP), as a stalled machine; `resume` ends it. */
  pause(): void;
  resume(): void;
  /**
   * Starts again on the same port and directory, after `kill`, its file repaired as an operator would where it is torn;
   * resolves when it answers.
   */
  restart(): Promise<void>;
  /** Ends the process and removes its directory. Safe to call twice. */
  stop(): Promise<void>;
}

const running = new Set<{ child: ChildProcess | undefined; dir: string }>();

// A test process that leaves early (an uncaught error, process.exit) must not leave servers behind.
process.on("exit", () => {
  for (const { child, dir } of running) {
    child?.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  }
});

/** The URL of the Redis that the whole test run shares. Tests keep apart by using a book of their own. */
export function redisUrl(): string {
  const url = process.env.REDIS_URL;
  if (!url) throw new Error("REDIS_URL is not set: run the tests through `npm test`, which provides a Redis");
  return url;
}

export function hasRedisServer(): boolean {
  return spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
}

/** Starts a Redis of its own on a free loopback port, in a fresh directory, durable unless told otherwise. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  if (!hasRedisServer())
    throw new Error("redis-server is not on PATH (Debian: apt-get install redis-server)");
  const config = { ...DURABLE, ...options.config };
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const entry = {
      child: undefined as ChildProcess | undefined,
      dir: mkdtempSync(join(tmpdir(), "ws-redis-")),
    };
    running.add(entry);
    try {
      entry.child = await launch(port, entry.dir, config);
      return handle(port, entry, config);
    } catch (error) {
      forget(entry);
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

type Entry = { child: ChildProcess | undefined; dir: string };

function handle(port: number, entry: Entry, config: Readonly<Record<string, string>>): RedisServer {
  const password = config.requirepass;
  return {
    url: password
      ? `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`
      : `redis://127.0.0.1:${port}`,
    port,
    dir: entry.dir,
    kill: () => end(entry, "SIGKILL"),
    pause: () => void entry.child?.kill("SIGSTOP"),
    resume: () => void entry.child?.kill("SIGCONT"),
    async restart() {
      if (entry.child) throw new Error("this Redis still runs: kill it before restarting it");
      entry.child = await launch(port, entry.dir, config).catch((error: unknown) => {
        if (!String(error).includes(TORN)) throw error;
        repair(entry.dir);
        return launch(port, entry.dir, config);
      });
    },
    async stop() {
      await end(entry, "SIGTERM");
      forget(entry);
    },
  };
}

/** What Redis says of a file whose end is missing, with `aof-load-truncated no`. */
const TORN = "Unexpected end of file reading the append only file";

/** Cuts a torn end back to the last whole command, or transaction, as the page on recovery tells operators to do. */
function repair(dir: string): void {
  const manifest = join(dir, "appendonlydir", "appendonly.aof.manifest");
  const { status, stdout, stderr } = spawnSync("redis-check-aof", ["--fix", manifest], {
    input: "y\n",
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`redis-check-aof could not repair ${manifest}: ${stdout}${stderr}`);
}

function forget(entry: Entry): void {
  rmSync(entry.dir, { recursive: true, force: true });
  running.delete(entry);
}

async function launch(
  port: number,
  dir: string,
  config: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const directives = Object.entries({ port: String(port), bind: "127.0.0.1", dir, ...config });
  const args = directives.flatMap(([name, value]) => [`--${name}`, value]);
  // A process group of its own: Ctrl-C reaches the tests, which then end the server in order.
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      log = (log + String(chunk)).slice(-4_000);
    });
  }
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await answers(port))) {
    const gone = child.exitCode !== null || child.signalCode !== null;
    if (gone || performance.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`redis-server ${gone ? "ended" : "did not answer in time"}:\n${log}`);
    }
    await sleep(20);
  }
  return child;
}

/** True once the server takes commands; a server that still loads its file answers -LOADING. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    const finish = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
    socket.once("data", (reply) => finish(/^(\+PONG|-NOAUTH)/.test(String(reply))));
  });
}

async function end(entry: Entry, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const child = entry.child;
  entry.child = undefined;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  child.kill("SIGCONT"); // a paused process only sees SIGTERM after it continues
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  await exited;
  clearTimeout(force);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no TCP port to be had");
  return address.port;
}
