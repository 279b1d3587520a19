import type { Client } from "./client.ts";

/** What a Redis must be set to before an acknowledged write counts as kept. */
const REQUIRED = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" } as const;

type Setting = keyof typeof REQUIRED;

/** What a Redis should be set to for the restart after a power loss. */
const TORN_FILE_SETTING = "aof-load-truncated";

/** What the settings of a server mean for what it acknowledged, in sentences that name what to set. */
export interface DurabilityReport {
  /** Acknowledged writes are at risk as long as the server is set like this. */
  readonly problems: readonly string[];
  /** A power loss followed by careless restarts may do harm. Stock servers are set like this. */
  readonly warnings: readonly string[];
}

/**
 * Reads the settings. Where the user may not run CONFIG, INFO tells part of them; what stays unknown counts as a
 * problem, but is no reason to warn of a restart that its hosting provider has to care for.
 */
export async function durabilityReport(client: Client): Promise<DurabilityReport> {
  const actual = (await fromConfig(client)) ?? (await fromInfo(client)) ?? new Map<string, string>();
  return { problems: problemsOf(actual), warnings: warningsOf(actual) };
}

function problemsOf(actual: ReadonlyMap<string, string>): readonly string[] {
  return (Object.keys(REQUIRED) as Setting[])
    .filter((name) => actual.get(name) !== REQUIRED[name])
    .map((name) => {
      const value = actual.get(name);
      return value === undefined
        ? `${name} cannot be read: allow this user CONFIG GET (it must be ${REQUIRED[name]})`
        : `${name} is ${value}: set it to ${REQUIRED[name]}`;
    });
}

/** Redis leaves the torn piece of a commit in the file, and what follows it is read as part of that commit. */
function warningsOf(actual: ReadonlyMap<string, string>): readonly string[] {
  return actual.get(TORN_FILE_SETTING) === "yes" ? [`${TORN_FILE_SETTING} is yes: set it to no`] : [];
}

async function fromConfig(client: Client): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const reply = await client.send(["CONFIG", "GET", ...Object.keys(REQUIRED), TORN_FILE_SETTING]);
    return reply instanceof Map ? reply : pairs(reply);
  } catch {
    return undefined; // forbidden, or renamed by a hosting provider
  }
}

/** A map reply: an object in RESP3, names and values in turn in RESP2. */
function pairs(reply: unknown): ReadonlyMap<string, string> {
  if (!Array.isArray(reply)) return new Map(Object.entries(reply as Record<string, string>));
  return new Map(
    reply.flatMap((name, i) => (i % 2 === 0 ? [[String(name), String(reply[i + 1])] as const] : [])),
  );
}

async function fromInfo(client: Client): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const info = `${await client.send(["INFO", "persistence"])}\n${await client.send(["INFO", "memory"])}`;
    const settings = new Map<string, string>();
    const enabled = /^aof_enabled:(\d)/m.exec(info)?.[1];
    if (enabled !== undefined) settings.set("appendonly", enabled === "1" ? "yes" : "no");
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy !== undefined) settings.set("maxmemory-policy", policy);
    return settings;
  } catch {
    return undefined;
  }
}
