/** What the Redis integration tests share: books on throw-away servers, raw commands, a TCP proxy that can cut replies. */

import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { createClient } from "redis";
import { openRedisStore, type RedisStoreOptions } from "../../../src/adapters/redis/index.ts";
import { DomainError, type Reason } from "../../../src/domain/errors.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import type { CommitRequest } from "../../../src/ports/store.ts";

export function openBook(url: string, options: Partial<RedisStoreOptions> = {}): Promise<OpenedStore> {
  return openRedisStore({
    url,
    book: "main",
    lockTtlMs: 5_000,
    durability: "fsync",
    allowDegraded: false,
    answerLimitMs: 1_000,
    ...options,
  });
}

/** Sends one command on a connection of its own. */
export async function command(url: string, ...args: string[]): Promise<unknown> {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } });
  client.on("error", () => {}); // the command rejects
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

/** A run that sets the world's document, with one event and one audit line. */
export function upsert(worldId: string, runId: string, ratio = "0.5"): CommitRequest {
  const body = JSON.stringify({ worldId, ratio });
  return {
    claim: { runId, fingerprint: `print of ${runId}` },
    puts: [
      { key: { kind: "run", scope: "", id: runId }, body: JSON.stringify({ runId }) },
      { key: { kind: "allocation", scope: "", id: worldId }, body },
    ],
    events: [{ worldId, body }],
    audit: [{ worldId, body }],
  };
}

export async function refusal(attempt: Promise<unknown>, reason: Reason): Promise<DomainError> {
  const error: unknown = await attempt.then(
    () => expect.fail(`was not refused with ${reason}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DomainError)) throw error;
  expect(error.reason).to.equal(reason);
  return error;
}

/** Repeats until it does not throw, for ten seconds. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

/** Checks that log, head, sequences, runs and audit tell the same story, and returns the revision of the head. */
export async function expectWhole({ store, log }: OpenedStore, worldId: string): Promise<number> {
  const { head, floor } = await log.window();
  const entries = await log.readAfter(floor.revision, 100_000);
  const events = entries.flatMap((entry) => entry.events.filter((event) => event.worldId === worldId));
  const { sequences } = await store.read({ keys: [], sequences: [worldId] });
  const audit = await store.listAudit({ worldId, limit: 100_000 });
  expect(entries.map(({ revision }) => revision)).to.deep.equal(
    Array.from({ length: head.revision - floor.revision }, (_, i) => floor.revision + i + 1),
  );
  expect(entries.map(({ previousHash }) => previousHash)).to.deep.equal(
    [floor.hash, ...entries.map(({ hash }) => hash)].slice(0, -1),
  );
  expect(entries.at(-1)?.hash ?? floor.hash).to.equal(head.hash);
  expect(events.map(({ worldSequence }) => worldSequence)).to.deep.equal(events.map((_, i) => i + 1));
  expect(sequences.get(worldId) ?? 0).to.equal(events.length);
  expect(audit.length).to.equal(events.length);
  return head.revision;
}

export interface CuttingProxy {
  readonly url: string;
  /** From now on nothing comes back from the server, and the connections break after its next reply. */
  cutNextReply(): void;
  /** New and old connections are refused, or taken again. */
  refuse(refusing: boolean): void;
  close(): Promise<void>;
}

/** Stands between client and server on loopback. */
export async function startProxy(serverPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let cutting = false;
  let refusing = false;
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    if (refusing) return void near.destroy();
    const far = connectTcp(serverPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      if (!cutting) return void near.write(chunk);
      cutting = false;
      breakAll();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    url: `redis://127.0.0.1:${address.port}`,
    cutNextReply() {
      cutting = true;
    },
    refuse(value) {
      refusing = value;
      if (value) breakAll();
    },
    async close() {
      breakAll();
      server.close();
      await once(server, "close");
    },
  };
}
