import type { Logger } from "pino";
import { AllocationService as AllocationServiceV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { RebalanceService as RebalanceServiceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationServiceV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as RebalanceServiceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { createAlphaSource } from "./orchestration/alpha-metrics/alpha-source.ts";
import type { WriteDeps } from "./orchestration/shared/deps.ts";
import { type StageObserver, unobserved } from "./orchestration/shared/stages.ts";
import { type AlphaCalculator, defaultAlphaCalculator } from "./ports/alpha-calculator.ts";
import type { Clock } from "./ports/clock.ts";
import type { OpenedStore } from "./ports/opened-store.ts";
import { createEdge, type Edge } from "./rpc/edge/create-edge.ts";
import { contractRoutes, SERVICES, type ServedService, served } from "./rpc/routes.ts";
import { createHealth, type HealthService } from "./rpc/standard/health.ts";
import { reflectionRoutes } from "./rpc/standard/reflection.ts";
import { allocationServiceV1 } from "./rpc/v1/allocation-service.ts";
import { auditServiceV1 } from "./rpc/v1/audit-service.ts";
import { capabilityServiceV1 } from "./rpc/v1/capability-service.ts";
import { rebalanceServiceV1 } from "./rpc/v1/rebalance-service.ts";
import { allocationServiceV2 } from "./rpc/v2/allocation-service.ts";
import { rebalanceServiceV2 } from "./rpc/v2/rebalance-service.ts";
import { reflectionEnabled } from "./settings/policies.ts";
import type { Settings } from "./settings/read-settings.ts";
import { SERVER_VERSION } from "./version.ts";

/** What a deployment or a test may bring instead of the ordinary part. */
export interface Replacements {
  readonly clock?: Clock;
  readonly store?: OpenedStore;
  readonly observeStage?: StageObserver;
  /** Answers for every alpha figure of plans, events and evaluations. */
  readonly alphaCalculator?: AlphaCalculator;
}

/** A composed server, not yet listening. */
export interface Server {
  readonly edge: Edge;
  readonly health: HealthService;
  readonly opened: OpenedStore;
  /** Refuses new calls, ends streams, waits for running calls, closes the store. Calling it again joins the first. */
  stop(): Promise<void>;
}

const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Joins ports to adapters, as the settings say. */
export async function compose(
  settings: Settings,
  log: Logger,
  replacements: Replacements = {},
): Promise<Server> {
  const opened = replacements.store ?? (await openStore(settings, log));
  const deps = writeDeps(settings, opened, replacements);
  const health = createHealth(SERVICES.map((service) => service.typeName));
  const routes = [contractRoutes(servedServices(settings, deps)), health.routes];
  if (reflectionEnabled(settings)) routes.push(reflectionRoutes(SERVICES.map((service) => service.file)));
  const edge = createEdge({
    routes: (router) => {
      for (const add of routes) add(router);
    },
    log,
    limits: { maxMessageBytes: settings.maxMessageBytes, maxTimeoutMs: settings.maxDeadlineMs },
  });
  let stopping: Promise<void> | undefined;
  return {
    edge,
    health,
    opened,
    stop() {
      stopping ??= stopAll({ edge, health, opened }, settings.drainTimeoutMs);
      return stopping;
    },
  };
}

/** What is served of the contract, service by service. */
export function servedServices(settings: Settings, deps: WriteDeps): ServedService[] {
  const { info } = deps.store;
  const deployment = {
    gates: deps.gates,
    serverVersion: SERVER_VERSION,
    storeKind: info.kind,
    durability: info.durability,
    book: settings.book,
  };
  return [
    served(RebalanceServiceV1, rebalanceServiceV1(deps)),
    served(AllocationServiceV1, allocationServiceV1(deps)),
    served(CapabilityService, capabilityServiceV1(deployment)),
    served(AuditService, auditServiceV1(deps.store)),
    served(RebalanceServiceV2, rebalanceServiceV2(deps)),
    served(AllocationServiceV2, allocationServiceV2(deps)),
  ];
}

/** What the use cases are given. */
export function writeDeps(
  settings: Settings,
  opened: OpenedStore,
  replacements: Replacements = {},
): WriteDeps {
  const { compatRebalanceV2, alphaMetricsRequired } = settings;
  return {
    store: opened.store,
    locks: opened.locks,
    clock: replacements.clock ?? SYSTEM_CLOCK,
    gates: { compatRebalanceV2, alphaMetricsRequired },
    alpha: createAlphaSource(opened.store, replacements.alphaCalculator ?? defaultAlphaCalculator),
    canExecute: false,
    observeStage: replacements.observeStage ?? unobserved,
  };
}

/** Adapters are loaded late: each of them costs start-up time that only its users should pay. */
async function openStore(settings: Settings, log: Logger): Promise<OpenedStore> {
  const { store, book, lockTtlMs } = settings;
  if (store.kind !== "redis") {
    const { openSqliteStore } = await import("./adapters/sqlite/index.ts");
    return openSqliteStore({ path: store.kind === "memory" ? ":memory:" : store.path, book, lockTtlMs });
  }
  const { openRedisStore } = await import("./adapters/redis/index.ts");
  const { durability, allowDegradedDurability } = settings;
  return openRedisStore({
    url: store.url,
    book,
    lockTtlMs,
    durability,
    allowDegraded: allowDegradedDurability,
    log: (level, message, fields) => log[level](fields, message),
  });
}

async function stopAll({ edge, health, opened }: Omit<Server, "stop">, graceMs: number): Promise<void> {
  health.drain();
  await edge.close(graceMs);
  await opened.close();
}
