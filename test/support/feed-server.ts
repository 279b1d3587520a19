/** A feed over a real socket, with as little around it as a test of the feed needs. */
import { pino } from "pino";
import { ControlBusService as ControlBusServiceV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { ControlBusService as ControlBusServiceV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/index.ts";
import type { DomainEvent } from "../../src/domain/events/types.ts";
import { toStored } from "../../src/domain/stored-json.ts";
import type { OpenedStore } from "../../src/ports/opened-store.ts";
import { createEdge, type EdgeOptions } from "../../src/rpc/edge/create-edge.ts";
import { createFeedHub, type FeedHub, type FeedOptions } from "../../src/rpc/feed/hub.ts";
import { controlBusServiceV1 } from "../../src/rpc/v1/control-bus-service.ts";
import { controlBusServiceV2 } from "../../src/rpc/v2/control-bus-service.ts";

export interface FeedServer {
  readonly opened: OpenedStore;
  readonly hub: FeedHub;
  readonly port: number;
  readonly url: string;
  /** Drains and ends everything but the store. Repeatable. */
  stop(): Promise<void>;
}

export interface FeedServerOptions extends Partial<Pick<FeedOptions, "bookmarkIntervalMs" | "limits">> {
  /** A memory store of its own without; whoever brings a store closes it. */
  readonly opened?: OpenedStore;
  readonly port?: number;
  readonly edge?: Partial<EdgeOptions>;
}

const CLOCK = { now: () => Date.now(), monotonic: () => performance.now() };

export function openMemory(book = "main"): Promise<OpenedStore> {
  return openSqliteStore({ path: ":memory:", book, lockTtlMs: 5_000 });
}

export async function startFeedServer(options: FeedServerOptions = {}): Promise<FeedServer> {
  const opened = options.opened ?? (await openMemory());
  const hub = createFeedHub({
    store: opened.store,
    log: opened.log,
    clock: CLOCK,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 10_000,
    ...(options.limits && { limits: options.limits }),
  });
  const topic = { hub, book: "main", gates: { compatRebalanceV2: true, alphaMetricsRequired: false } };
  const edge = createEdge({
    log: pino({ level: "silent" }),
    routes: (router) => {
      router.service(ControlBusServiceV1, controlBusServiceV1(topic));
      router.service(ControlBusServiceV2, controlBusServiceV2(topic));
    },
    ...options.edge,
  });
  const { port } = await edge.listen("127.0.0.1", options.port ?? 0);
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    await edge.close(500);
    await hub.close(new Error("the server has ended"));
    if (options.opened === undefined) await opened.close();
  };
  return {
    opened,
    hub,
    port,
    url: `http://127.0.0.1:${port}`,
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

/** A small event that changes hashed state; `tag` makes it one of its kind. */
export function decisions(worldId: string, tag: string): DomainEvent {
  return {
    type: "DECISIONS_UPDATED",
    worldId,
    timeMs: Date.UTC(2026, 0, 2),
    correlationId: `test:${tag}`,
    idempotencyKey: `${worldId}:${tag}`,
    schemaVersion: 1,
    payload: { strategies: [tag], stateHash: "" },
  };
}

export function bindings(worldId: string, tag: string): DomainEvent {
  return { ...decisions(worldId, tag), type: "BINDINGS_UPDATED", payload: { strategies: [tag] } };
}

/** Commits these events together; tells the revision. */
export async function commit(opened: OpenedStore, ...events: readonly DomainEvent[]): Promise<number> {
  const drafts = events.map((event) => ({ worldId: event.worldId, body: toStored(event) }));
  const outcome = await opened.store.commit({ events: drafts });
  if (outcome.kind !== "committed") throw new Error(`the commit was refused: ${outcome.kind}`);
  return outcome.revision;
}

/** `count` commits of one event each, to the worlds in turns. */
export async function commitMany(
  opened: OpenedStore,
  count: number,
  worlds: readonly string[],
): Promise<void> {
  const all: Promise<number>[] = [];
  for (let at = 0; at < count; at++) {
    all.push(commit(opened, decisions(worlds[at % worlds.length] ?? "w1", `c${at}`)));
  }
  await Promise.all(all);
}
