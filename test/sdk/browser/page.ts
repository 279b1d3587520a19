/** What runs in the browser: the client over fetch, from the page's own origin. Its findings go to `globalThis.found`. */
import {
  createClients,
  follow,
  negotiate,
  parseAlphaMetrics,
  refusalOf,
  type WorldserviceClients,
} from "worldservice/client";
import { connectWeb } from "worldservice/client/web";

export interface Found {
  readonly version: number;
  readonly change: number | undefined;
  readonly winRatio: number | undefined;
  readonly reason: string;
  readonly events: readonly string[];
}

const BOOK = {
  totalEquity: 1_000_000,
  worldAllocBefore: { alpha: 0.5 },
  worldAllocAfter: { alpha: 0.4 },
  positions: [{ worldId: "alpha", strategyId: "trend", symbol: "XLK", qty: 1000, mark: 280.15 }],
  lotSizeBySymbol: { XLK: 1 },
};
const SERIES = {
  worldId: "alpha",
  series: { case: "returns" as const, value: { values: [0.01, -0.02, 0.03] } },
};

async function tryOut(protocol: "grpc-web" | "connect"): Promise<Found> {
  const clients = createClients(connectWeb(location.origin, { protocol }).transport);
  const { version } = await negotiate(clients);
  const { plan } = await clients.v2.rebalance.planRebalance({
    rebalance: { ...BOOK, alphaSeries: [SERIES] },
  });
  const figures = parseAlphaMetrics(plan?.alphaMetrics).perWorld.get("alpha");
  const reason = await clients.v2.rebalance.planRebalance({ rebalance: { totalEquity: -1 } }).then(
    () => "an answer",
    (error: unknown) => refusalOf(error).reason,
  );
  return {
    version,
    change: plan?.perWorld.alpha?.deltas[0]?.deltaQty,
    winRatio: figures?.get("alpha_performance.win_ratio"),
    reason,
    events: await eventsOf(clients, protocol),
  };
}

/** Upserts once the feed is open, and follows until its event has come. */
async function eventsOf(clients: WorldserviceClients, runId: string): Promise<string[]> {
  const stop = new AbortController();
  const events: string[] = [];
  for await (const { case: kind, value } of follow(clients.v2.controlBus, { signal: stop.signal })) {
    if (kind === "topic") {
      await clients.v2.allocations.upsertAllocations({
        runId,
        totalEquity: 1,
        worldAllocations: { alpha: 0.4 },
      });
    }
    if (kind !== "batch") continue;
    events.push(...value.events.map(({ worldId, worldSequence }) => `${worldId} #${worldSequence}`));
    stop.abort();
  }
  return events;
}

async function tryBoth(): Promise<Found[]> {
  return [await tryOut("grpc-web"), await tryOut("connect")];
}

Object.assign(globalThis, { found: tryBoth() });
