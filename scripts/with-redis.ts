/**
 * Runs a command with REDIS_URL set: a given REDIS_URL, else a redis-server of its own (from PATH, else installed
 * through apt as root), else one clear error. The server lives in a temporary directory and ends with the command.
 *
 * Usage: node scripts/with-redis.ts <command> [arguments…]
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { hasRedisServer, startRedis } from "../test/support/redis.ts";

const NO_REDIS =
  "A real Redis (7 or newer) is needed. Set REDIS_URL=redis://host:port, or put redis-server on PATH " +
  "(Debian, Ubuntu: apt-get install redis-server).";

async function main(): Promise<number> {
  const [command, ...args] = process.argv.slice(2);
  if (command === undefined) return fail("usage: node scripts/with-redis.ts <command> [arguments…]");
  const given = process.env.REDIS_URL;
  if (given) return run(command, args, given);
  if (!hasRedisServer()) installThroughApt();
  if (!hasRedisServer()) return fail(NO_REDIS);
  const redis = await startRedis();
  try {
    return await run(command, args, redis.url);
  } finally {
    await redis.stop();
  }
}

function fail(message: string): number {
  console.error(message);
  return 2;
}

function installThroughApt(): void {
  const isRoot = process.getuid?.() === 0;
  if (process.platform !== "linux" || !isRoot) return;
  console.error("redis-server is not on PATH: installing it with apt-get …");
  const options = {
    // Standard output stays the command's own.
    stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"],
    // RUNLEVEL=1 keeps the package from starting a server of its own.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  };
  spawnSync("apt-get", ["update", "-qq"], options);
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], options);
}

/** The exit code of the command; 128 + n when signal n ended it, as shells report it. */
async function run(command: string, args: readonly string[], url: string): Promise<number> {
  const path = [join(import.meta.dirname, "../node_modules/.bin"), process.env.PATH ?? ""].join(delimiter);
  const child = spawn(command, args, {
    stdio: "inherit",
    env: { ...process.env, PATH: path, REDIS_URL: url },
  });
  forwardSignals(child);
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.once("exit", (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  });
}

function forwardSignals(child: ChildProcess): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Ctrl-C on a terminal already reaches the whole process group; twice would cut the command's own clean-up.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
}

process.exitCode = await main();
