import type { Client } from "./client.ts";

/**
 * What a Redis must be set to before an acknowledged write counts as kept. A Redis that starts on a torn file leaves the
 * head of a torn transaction in it, and may run that with a later one at its next start: an old commit over newer ones.
 */
const REQUIRED = {
  appendonly: "yes",
  appendfsync: "always",
  "aof-load-truncated": "no",
  "maxmemory-policy": "noeviction",
} as const;

type Setting = keyof typeof REQUIRED;

/**
 * The settings of this server that put acknowledged writes at risk, each as a sentence that names what to set.
 * Where the user may not run CONFIG, INFO tells part of it; what stays unknown counts as a risk.
 */
export async function durabilityProblems(client: Client): Promise<readonly string[]> {
  const actual = (await fromConfig(client)) ?? (await fromInfo(client)) ?? new Map<string, string>();
  return (Object.keys(REQUIRED) as Setting[])
    .filter((name) => actual.get(name) !== REQUIRED[name])
    .map((name) => {
      const value = actual.get(name);
      return value === undefined
        ? `${name} cannot be read: allow this user CONFIG GET (it must be ${REQUIRED[name]})`
        : `${name} is ${value}: set it to ${REQUIRED[name]}`;
    });
}

async function fromConfig(client: Client): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const reply = await client.send(["CONFIG", "GET", ...Object.keys(REQUIRED)]);
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
