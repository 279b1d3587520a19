import type { Logger } from "pino";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService as AllocationServiceV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService as ControlBusServiceV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { RebalanceService as RebalanceServiceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationServiceV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ControlBusService as ControlBusServiceV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { RebalanceService as RebalanceServiceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { createExecutor } from "./adapters/executor/index.ts";
import { type CredentialSettings, composeEdge, openTls } from "./compose-edge.ts";
import type { SharedAccountLimits } from "./domain/orders/shared-account.ts";
import type { AdminServer } from "./observability/admin-server.ts";
import type { Metrics } from "./observability/metrics.ts";
import { createTracing } from "./observability/tracing.ts";
import type { ApplyObserver, WorldDeps } from "./orchestration/activation/deps.ts";
import { createAlphaSource } from "./orchestration/alpha-metrics/alpha-source.ts";
import { createExecutionRecovery } from "./orchestration/execute/execution-recovery.ts";
import { createReaper } from "./orchestration/recovery/reaper.ts";
import { createJanitor } from "./orchestration/retention/janitor.ts";
import type { WriteDeps } from "./orchestration/shared/deps.ts";
import { type StageObserver, unobserved } from "./orchestration/shared/stages.ts";
import { type AlphaCalculator, defaultAlphaCalculator } from "./ports/alpha-calculator.ts";
import type { Clock } from "./ports/clock.ts";
import type { Executor } from "./ports/executor.ts";
import type { OpenedStore } from "./ports/opened-store.ts";
import type { AdmissionLimits } from "./rpc/admission/limits.ts";
import type { Edge } from "./rpc/edge/create-edge.ts";
import { createFeedHub, type FeedHub } from "./rpc/feed/hub.ts";
import { contractRoutes, SERVICES, type ServedService, served } from "./rpc/routes.ts";
import { createHealth, type HealthService } from "./rpc/standard/health.ts";
import { reflectionRoutes } from "./rpc/standard/reflection.ts";
import { activationServiceV1 } from "./rpc/v1/activation-service.ts";
import { allocationServiceV1 } from "./rpc/v1/allocation-service.ts";
import { alphaMetricsServiceV1 } from "./rpc/v1/alpha-metrics-service.ts";
import { auditServiceV1 } from "./rpc/v1/audit-service.ts";
import { capabilityServiceV1 } from "./rpc/v1/capability-service.ts";
import { controlBusServiceV1 } from "./rpc/v1/control-bus-service.ts";
import { evaluateTargetV1, judgingMethodsV1 } from "./rpc/v1/decision-service.ts";
import { decisionLists } from "./rpc/v1/decisions.ts";
import { executionServiceV1 } from "./rpc/v1/execution-service.ts";
import { policyServiceV1 } from "./rpc/v1/policy-service.ts";
import { rebalanceServiceV1 } from "./rpc/v1/rebalance-service.ts";
import { worldServiceV1 } from "./rpc/v1/world-service.ts";
import { allocationServiceV2 } from "./rpc/v2/allocation-service.ts";
import { controlBusServiceV2 } from "./rpc/v2/control-bus-service.ts";
import { rebalanceServiceV2 } from "./rpc/v2/rebalance-service.ts";
import { reflectionEnabled } from "./settings/policies.ts";
import type { Settings } from "./settings/read-settings.ts";
import { SERVER_VERSION } from "./version.ts";

/** What a deployment or a test may bring instead of the ordinary part. */
export interface Replacements {
  readonly clock?: Clock;
  readonly store?: OpenedStore;
  readonly observeStage?: StageObserver;
  readonly observeApply?: ApplyObserver;
  /** What differs from the ordinary bounds on work. */
  readonly admission?: Partial<AdmissionLimits>;
  readonly executor?: Executor;
  /** Answers for every alpha figure of plans, events and evaluations. */
  readonly alphaCalculator?: AlphaCalculator;
}

/** A composed server, not yet listening. */
export interface Server {
  readonly edge: Edge;
  /** The port of operators; undefined when the settings switch it off. */
  readonly admin: AdminServer | undefined;
  readonly health: HealthService;
  readonly opened: OpenedStore;
  readonly feed: FeedHub;
  /** Other credentials count from now on, for subscriptions that are open too. */
  replaceCredentials(settings: CredentialSettings): void;
  /** Tells load balancers to send nothing more; everything is served as before. */
  announceDrain(): void;
  /** Refuses new calls, ends streams, waits for running calls, closes the store. Calling it again joins the first. */
  stop(): Promise<void>;
}

/** Work that goes on beside the calls. */
export interface Background {
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** Everything between the store and the edge. */
export interface Parts {
  readonly deps: WriteDeps;
  readonly worlds: WorldDeps;
  readonly feed: FeedHub;
  readonly background: readonly Background[];
}

const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
/** How often the log is trimmed to what the settings keep. */
const JANITOR_INTERVAL_MS = 10_000;

/** Joins ports to adapters, as the settings say. */
export async function compose(
  settings: Settings,
  log: Logger,
  replacements: Replacements = {},
): Promise<Server> {
  const tls = await openTls(settings);
  const opened = replacements.store ?? (await openStore(settings, log));
  let metrics: Metrics | undefined;
  let isDraining = false;
  const tracing = createTracing((stage, outcome, seconds) => metrics?.stage(stage, outcome, seconds));
  const observeStage = bothObserve(tracing.observeStage, replacements.observeStage);
  const parts = createParts(settings, opened, log, { ...replacements, observeStage });
  const health = createHealth(SERVICES.map((service) => service.typeName));
  const routes = [contractRoutes(servedServices(settings, parts)), health.routes];
  if (reflectionEnabled(settings)) routes.push(reflectionRoutes(SERVICES.map((service) => service.file)));
  const guarded = composeEdge(settings, {
    routes,
    store: opened.store,
    feed: parts.feed,
    tracing,
    tls,
    isDraining: () => isDraining,
    log,
    admission: replacements.admission,
  });
  metrics = guarded.metrics;
  const { edge, admin, replaceCredentials } = guarded;
  const background = [...parts.background, ...guarded.background];
  for (const work of background) work.start();
  const server = { edge, admin, health, opened, feed: parts.feed, replaceCredentials };
  function announceDrain(): void {
    isDraining = true;
    health.drain();
  }
  let stopping: Promise<void> | undefined;
  return {
    ...server,
    announceDrain,
    stop() {
      announceDrain();
      stopping ??= stopAll(server, background, settings.drainTimeoutMs).finally(() =>
        parts.deps.execution.executor.close(),
      );
      return stopping;
    },
  };
}

/** The first is not waited for; the second may be, and may be missing. */
function bothObserve(first: StageObserver, second: StageObserver | undefined): StageObserver {
  return (stage, moment) => {
    first(stage, moment);
    return second?.(stage, moment);
  };
}

/** What is served of the contract, service by service. */
export function servedServices(settings: Settings, { deps, worlds, feed }: Parts): ServedService[] {
  const { book } = settings;
  const { gates, store } = deps;
  const { kind: storeKind, durability } = store.info;
  const topic = { hub: feed, book, gates };
  return [
    served(RebalanceServiceV1, rebalanceServiceV1(deps)),
    served(AllocationServiceV1, allocationServiceV1(deps)),
    served(ControlBusServiceV1, controlBusServiceV1(topic)),
    served(
      CapabilityService,
      capabilityServiceV1({ gates, serverVersion: SERVER_VERSION, storeKind, durability, book }),
    ),
    served(AuditService, auditServiceV1(store)),
    served(AlphaMetricsService, alphaMetricsServiceV1(deps)),
    served(PolicyService, policyServiceV1(deps)),
    served(ActivationService, activationServiceV1({ ...worlds, evaluate: evaluateTargetV1(deps) })),
    served(DecisionService, { ...decisionLists(worlds), ...judgingMethodsV1(deps) }),
    served(ExecutionService, executionServiceV1(deps)),
    served(WorldService, worldServiceV1(worlds)),
    served(RebalanceServiceV2, rebalanceServiceV2(deps)),
    served(AllocationServiceV2, allocationServiceV2(deps)),
    served(ControlBusServiceV2, controlBusServiceV2(topic)),
  ];
}

/** Builds what works on an opened store; nothing runs yet. */
export function createParts(
  settings: Settings,
  opened: OpenedStore,
  log: Logger,
  replacements: Replacements = {},
): Parts {
  const { store, locks, log: events } = opened;
  const { compatRebalanceV2, alphaMetricsRequired, bookmarkIntervalMs, feedRetentionCommits } = settings;
  const clock = replacements.clock ?? SYSTEM_CLOCK;
  const deps: WriteDeps = {
    store,
    locks,
    clock,
    gates: { compatRebalanceV2, alphaMetricsRequired },
    alpha: createAlphaSource(store, replacements.alphaCalculator ?? defaultAlphaCalculator),
    execution: {
      executor: replacements.executor ?? createExecutor(settings, { store, clock }),
      book: settings.book,
      sharedAccount: sharedAccountOf(settings),
      policies: new Map(),
    },
    observeStage: replacements.observeStage ?? unobserved,
  };
  const executions = createExecutionRecovery(deps, {
    onError: (error) =>
      log.warn({ err: error }, "an open execution could not be advanced; it is tried again"),
  });
  const janitor = createJanitor({
    log: events,
    keep: feedRetentionCommits,
    intervalMs: JANITOR_INTERVAL_MS,
    onError: (error) => log.warn({ err: error }, "the log could not be trimmed; it is tried again"),
  });
  const applies = {
    store,
    locks,
    clock,
    // As long as a lock outlives its holder: an apply whose subscribers are gone rests as fast as one whose driver is.
    ackTimeoutMs: settings.lockTtlMs,
    observeApply: replacements.observeApply ?? (() => undefined),
  };
  const reaper = createReaper(applies, {
    onError: (error) => log.warn({ err: error }, "an open apply could not be advanced; it is tried again"),
  });
  return {
    deps,
    worlds: { ...applies, nudge: reaper.nudge },
    feed: createFeedHub({ store, log: events, clock: SYSTEM_CLOCK, bookmarkIntervalMs }),
    background: [janitor, reaper, executions],
  };
}

/** The limits of one account for all worlds; undefined while such orders are switched off. */
function sharedAccountOf(settings: Settings): SharedAccountLimits | undefined {
  if (!settings.sharedAccountEnabled) return undefined;
  return {
    maxGrossNotional: settings.sharedAccountMaxGrossNotional,
    maxNetNotional: settings.sharedAccountMaxNetNotional,
    minMarginHeadroom: settings.sharedAccountMinMarginHeadroom,
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

/** What calls need goes last: first no new ones come, then the running ones end, then what they stood on. */
async function stopAll(
  { edge, admin, opened, feed }: Pick<Server, "edge" | "admin" | "opened" | "feed">,
  background: readonly Background[],
  graceMs: number,
): Promise<void> {
  await Promise.all([edge.close(graceMs), ...background.map((work) => work.stop())]);
  await feed.close(new Error("the server has stopped"));
  await admin?.close();
  await opened.close();
}
