import type { Argument, Client } from "./client.ts";
import type { Script } from "./scripts.ts";
import { isMisplaced, isNoScript, storeUnavailable, translated } from "./unavailable.ts";

/** A line for the operator. */
export type RedisLog = (
  level: "info" | "warn" | "error",
  message: string,
  fields: Record<string, unknown>,
) => void;

export interface LinkOptions {
  /** What the connection is for, in logs. */
  readonly purpose: string;
  connect(): Promise<Client>;
  /** Runs on every new connection before anyone else may use it; a rejection refuses the connection. */
  prepare(client: Client): Promise<void>;
  /** A command that is not answered after so many milliseconds takes its connection down. */
  readonly answerLimitMs: number;
  readonly log: RedisLog;
}

/** After how many replicas, and how many milliseconds at most, the writes of a call count as safe. */
export interface WaitFor {
  readonly replicas: number;
  readonly timeoutMs: number;
}

/**
 * A connection that comes back. While it is down every call rejects with STORE_UNAVAILABLE at once: a call that waited
 * would run after its caller gave up. A call in flight when the connection breaks rejects too, and may have run.
 */
export interface Link {
  call(args: readonly Argument[], answerLimitMs?: number): Promise<unknown>;
  /** Runs a script; sends its source where Redis forgot it. */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  /** The same, then waits for replicas: `[reply, how many have it]`. */
  runReplicated(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    wait: WaitFor,
  ): Promise<readonly [unknown, number]>;
  /** Gives this connection up for a new one: the node is not, or no longer, the right one. */
  renew(reason: string): void;
  /** Resolves when commands in flight are answered or given up. Repeatable. */
  close(): Promise<void>;
  /** Ends at once; commands in flight reject. */
  abandon(): void;
}

const BACKOFF_MS = { first: 25, most: 1_000 };

/**
 * Opens the first connection and keeps it.
 *
 * @throws what the first attempt threw: there is no second one before the link exists.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  let client: Client | undefined;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  const inFlight = new Set<Promise<unknown>>();

  async function connect(): Promise<void> {
    const fresh = await options.connect();
    try {
      await answered(options.prepare(fresh), options.answerLimitMs);
    } catch (error) {
      fresh.destroy();
      throw error;
    }
    if (closed) return fresh.destroy();
    client = fresh;
    fresh.onLost((cause) => drop(fresh, "the connection was lost", cause));
  }

  function drop(lost: Client, reason: string, cause?: unknown): void {
    if (client !== lost) return;
    client = undefined;
    lost.destroy();
    if (closed) return;
    options.log("warn", `Redis: ${reason}, connecting again`, {
      purpose: options.purpose,
      cause: String(cause ?? ""),
    });
    connectAgain(0);
  }

  function connectAgain(attempt: number): void {
    const ceiling = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** attempt);
    retry = setTimeout(
      () => {
        connect().then(
          () => options.log("info", "Redis: connected again", { purpose: options.purpose, attempt }),
          (error: unknown) => {
            if (closed) return;
            options.log("warn", "Redis: still not connected", {
              purpose: options.purpose,
              cause: String(error),
            });
            connectAgain(attempt + 1);
          },
        );
      },
      ceiling * (0.5 + Math.random() / 2),
    );
  }

  /** Commands handed over together stay together on the wire. */
  function send(
    commands: readonly (readonly Argument[])[],
    answerLimitMs = options.answerLimitMs,
  ): Promise<unknown[]> {
    const used = client;
    if (!used || closed) return Promise.reject(storeUnavailable("Redis is not connected"));
    const replies = Promise.all(commands.map((args) => used.send(args)));
    const guarded = answered(replies, answerLimitMs, () =>
      drop(used, "a command was not answered in time"),
    ).catch((error: unknown) => {
      if (isMisplaced(error)) drop(used, "the node does not own the book", error);
      throw isNoScript(error) ? error : translated(error);
    });
    const settled = guarded.then(ignore, ignore).finally(() => inFlight.delete(settled));
    inFlight.add(settled);
    return guarded;
  }

  async function evaluate(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    behind: readonly (readonly Argument[])[],
  ): Promise<unknown[]> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await send([["EVALSHA", script.sha, ...rest], ...behind]);
    } catch (error) {
      // Redis knew no such script, so nothing ran.
      if (!isNoScript(error)) throw error;
      return send([["EVAL", script.source, ...rest], ...behind]);
    }
  }

  function abandon(): void {
    closed = true;
    clearTimeout(retry);
    client?.destroy();
    client = undefined;
  }

  await connect();
  return {
    call: async (args, answerLimitMs) => (await send([args], answerLimitMs))[0],
    run: async (script, keys, args) => (await evaluate(script, keys, args, []))[0],
    async runReplicated(script, keys, args, { replicas, timeoutMs }) {
      const wait = ["WAIT", String(replicas), String(timeoutMs)];
      const [reply, count] = await evaluate(script, keys, args, [wait]);
      return [reply, Number(count)];
    },
    renew(reason) {
      if (client) drop(client, reason);
    },
    async close() {
      closed = true;
      await Promise.all(inFlight);
      abandon();
    },
    abandon,
  };
}

function ignore(): void {}

/** The promise's value, or STORE_UNAVAILABLE after `limitMs`, once `onLate` ran. */
export function answered<T>(promise: Promise<T>, limitMs: number, onLate: () => void = ignore): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(storeUnavailable("Redis did not answer in time"));
      onLate();
    }, limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
