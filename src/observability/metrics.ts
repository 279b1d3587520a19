import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What the gauges are read from, at the moment of a scrape. */
export interface MetricSources {
  readonly subscriptions: () => number;
  readonly callsInFlight: () => number;
  /** Milliseconds. */
  readonly lagMs: () => number;
  readonly isDraining: () => boolean;
}

/** Names of this server that stay the same for its whole life. */
export interface ServerFacts {
  readonly version: string;
  readonly store: string;
  readonly durability: string;
  readonly book: string;
}

/** Counts what happens. Labels are names of the contract and of the code, never anything a caller chose. */
export interface Metrics {
  /** @param code as Connect spells it, `ok` included. */
  call(rpc: string, code: string, seconds: number): void;
  stage(stage: string, outcome: "ok" | "failed", seconds: number): void;
  refusal(limit: string): void;
  /** In Prometheus's text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Seconds. Reads take a fraction of a millisecond, commits some, calls with the largest requests some seconds. */
const CALL_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createMetrics(facts: ServerFacts, sources: MetricSources): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const calls = new Counter({
    name: "worldservice_calls_total",
    help: "Calls and streams that ended, by RPC and gRPC code.",
    labelNames: ["rpc", "code"],
    registers,
  });
  const callSeconds = new Histogram({
    name: "worldservice_call_duration_seconds",
    help: "How long calls and streams took, from their headers to their end.",
    labelNames: ["rpc"],
    buckets: CALL_BUCKETS,
    registers,
  });
  const stageSeconds = new Histogram({
    name: "worldservice_stage_duration_seconds",
    help: "How long the stages of the orchestrator took.",
    labelNames: ["stage", "outcome"],
    buckets: CALL_BUCKETS,
    registers,
  });
  const refusals = new Counter({
    name: "worldservice_refusals_total",
    help: "Calls refused by admission control, by the limit they met.",
    labelNames: ["limit"],
    registers,
  });
  addGauges(registers, sources);
  addProcess(registers);
  new Gauge({
    name: "worldservice_info",
    help: "1; the labels say what this server is.",
    labelNames: ["version", "store", "durability", "book"],
    registers,
  }).set({ ...facts }, 1);
  return {
    call(rpc, code, seconds) {
      calls.inc({ rpc, code });
      callSeconds.observe({ rpc }, seconds);
    },
    stage: (stage, outcome, seconds) => stageSeconds.observe({ stage, outcome }, seconds),
    refusal: (limit) => refusals.inc({ limit }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function addGauges(registers: Registry[], sources: MetricSources): void {
  gauge("worldservice_subscriptions", "Open feed subscriptions.", sources.subscriptions, registers);
  gauge("worldservice_calls_in_flight", "Calls let in and not ended.", sources.callsInFlight, registers);
  gauge(
    "worldservice_event_loop_lag_seconds",
    "How far the event loop is behind, mean over a second.",
    () => sources.lagMs() / 1000,
    registers,
  );
  gauge("worldservice_draining", "1 while the server stops.", () => Number(sources.isDraining()), registers);
}

/** Under the names that dashboards for Prometheus know. */
function addProcess(registers: Registry[]): void {
  const { memoryUsage } = process;
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge("process_resident_memory_bytes", "Resident memory.", () => memoryUsage.rss(), registers);
  gauge("nodejs_heap_size_used_bytes", "Used heap.", () => memoryUsage().heapUsed, registers);
  gauge("process_cpu_seconds_total", "Processor time, user and system.", cpu, registers);
  gauge("process_start_time_seconds", "Start, in Unix time.", () => startedAt, registers);
}

function gauge(name: string, help: string, read: () => number, registers: Registry[]): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
