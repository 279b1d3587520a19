/** Every setting of the service, once: the reader, `worldservice config`, the help text and the reference use this. */
import { isHost } from "./addresses.ts";
import { authCertificatesKind } from "./auth-certificates.ts";
import { authTokensKind } from "./auth-tokens.ts";
import { executorKind } from "./executor-target.ts";
import { choice, type Kind, optional, refuse, text, toggle } from "./kinds.ts";
import { count, figure, size, span } from "./quantities.ts";
import { storeKind } from "./store-target.ts";

export interface Definition<T = unknown> {
  /** snake_case: `port` in YAML, `WORLDSERVICE_SERVER_PORT` in the environment, `--port` as a flag. */
  readonly key: string;
  readonly kind: Kind<T>;
  /** As a user would write it. */
  readonly initial: unknown;
  readonly description: string;
  /** The unit of the value in `Settings`, where it has one. */
  readonly unit?: string;
  /** What must never be shown: the whole value, or the credentials of a URL. */
  readonly secret?: "whole" | "credentials";
}

/** Keeps T while the table below is written as plain rows. */
function define<T>(row: Definition<T>): Definition<T> {
  return row;
}

const PORT = { min: 0, max: 65_535 };
const NOTIONAL = { min: 0, max: Number.MAX_VALUE };
const PATH = "path of a PEM file";

export const DEFINITIONS = {
  host: define({
    key: "host",
    kind: hostName(),
    initial: "127.0.0.1",
    description: "Address to listen on; anything but loopback needs TLS and tokens, or insecure.",
  }),
  port: define({
    key: "port",
    kind: count(PORT),
    initial: 50051,
    description: "gRPC, gRPC-Web and Connect on one port; 0 takes a free one.",
  }),
  adminPort: define({
    key: "admin_port",
    kind: count(PORT),
    initial: 9464,
    description: "/metrics, /healthz and /readyz; 0 switches them off.",
  }),
  store: define({
    key: "store",
    kind: storeKind,
    initial: "sqlite:./data/worldservice.db",
    description: "Where the book lives: a file, the memory of this process, or Redis.",
    secret: "credentials",
  }),
  durability: define({
    key: "durability",
    kind: choice("fsync", "replicated"),
    initial: "fsync",
    description: "What an acknowledged write has reached: the disk, or replicas too (Redis only).",
  }),
  allowDegradedDurability: define({
    key: "allow_degraded_durability",
    kind: toggle(),
    initial: false,
    description:
      "Accept a Redis that may lose acknowledged commits: see the page on backup for what one must be set to.",
  }),
  book: define({
    key: "book",
    kind: text('1 to 64 letters, digits, ".", "_" or "-"', /^[A-Za-z0-9._-]{1,64}$/),
    initial: "main",
    description: "Name of the worlds that share capital; one per deployment.",
  }),
  compatRebalanceV2: define({
    key: "compat_rebalance_v2",
    kind: toggle(),
    initial: false,
    description: "Answer v2 calls as schema version 2: modes, alpha metrics and intent take part.",
  }),
  alphaMetricsRequired: define({
    key: "alpha_metrics_required",
    kind: toggle(),
    initial: false,
    description: "Refuse rebalances below schema version 2.",
  }),
  executor: define({
    key: "executor",
    kind: executorKind,
    initial: "none",
    description: "Who receives the orders of an executed run.",
  }),
  executorTlsCa: define({
    key: "executor_tls_ca",
    kind: optional(text(PATH)),
    initial: "none",
    description: "Certificate authority of the grpc executor; without it the connection is not encrypted.",
  }),
  sharedAccountEnabled: define({
    key: "shared_account_enabled",
    kind: toggle(),
    initial: false,
    description: "Allow executions that net all worlds in one account.",
  }),
  sharedAccountMaxGrossNotional: define({
    key: "shared_account_max_gross_notional",
    kind: optional(figure(NOTIONAL, "a number of at least 0")),
    initial: "none",
    unit: "base currency",
    description: "Largest gross notional of one shared-account execution.",
  }),
  sharedAccountMaxNetNotional: define({
    key: "shared_account_max_net_notional",
    kind: optional(figure(NOTIONAL, "a number of at least 0")),
    initial: "none",
    unit: "base currency",
    description: "Largest net notional, long or short, after a shared-account execution.",
  }),
  sharedAccountMinMarginHeadroom: define({
    key: "shared_account_min_margin_headroom",
    kind: optional(figure({ min: 0, max: 1 }, "0 to 1")),
    initial: "none",
    unit: "ratio of total equity",
    description: "Smallest share of equity that a shared-account execution leaves free.",
  }),
  authTokens: define({
    key: "auth_tokens",
    kind: authTokensKind,
    initial: "none",
    description: "Who may call with which token, in which role, for which worlds.",
    secret: "whole",
  }),
  authCertificates: define({
    key: "auth_certificates",
    kind: authCertificatesKind,
    initial: "none",
    description:
      "Who may call with which client certificate, in which role, for which worlds; without this and auth_tokens everybody may.",
  }),
  tlsCert: define({
    key: "tls_cert",
    kind: optional(text(PATH)),
    initial: "none",
    description: "The server's certificate chain.",
  }),
  tlsKey: define({
    key: "tls_key",
    kind: optional(text(PATH)),
    initial: "none",
    description: "The private key of tls_cert.",
  }),
  tlsClientCa: define({
    key: "tls_client_ca",
    kind: optional(text(PATH)),
    initial: "none",
    description: "Callers must show a certificate of this authority.",
  }),
  insecure: define({
    key: "insecure",
    kind: toggle(),
    initial: false,
    description: "Listen beyond loopback without TLS and tokens.",
  }),
  lockTtlMs: define({
    key: "lock_ttl",
    kind: span("100ms", "10m"),
    initial: "5s",
    unit: "milliseconds",
    description: "Lease of a world's lock, renewed at a third of it.",
  }),
  bookmarkIntervalMs: define({
    key: "bookmark_interval",
    kind: span("50ms", "1h"),
    initial: "10s",
    unit: "milliseconds",
    description: "Longest silence of an event stream before it sends a bookmark.",
  }),
  feedRetentionCommits: define({
    key: "feed_retention",
    kind: count({ min: 1, max: 1_000_000_000 }, "commits"),
    initial: "100000 commits",
    unit: "commits",
    description: "How far back a subscriber can resume.",
  }),
  maxMessageBytes: define({
    key: "max_message_bytes",
    kind: size("1KiB", "1GiB"),
    initial: "64 MiB",
    unit: "bytes",
    description: "Largest request or response message.",
  }),
  maxDeadlineMs: define({
    key: "max_deadline",
    kind: span("100ms", "1h"),
    initial: "60s",
    unit: "milliseconds",
    description: "Longest deadline of a unary call; calls without one get this.",
  }),
  drainTimeoutMs: define({
    key: "drain_timeout",
    kind: span("0s", "10m"),
    initial: "25s",
    unit: "milliseconds",
    description: "How long a stopping server waits for work in flight.",
  }),
  rateLimitPerSecond: define({
    key: "rate_limit",
    kind: count({ min: 1, max: 1_000_000 }, "/s"),
    initial: "200/s",
    unit: "calls per second",
    description: "Calls per principal; no limit on loopback without credentials.",
  }),
  subscriptionLimit: define({
    key: "subscription_limit",
    kind: count({ min: 1, max: 1_000_000 }),
    initial: 100,
    unit: "open subscriptions",
    description: "Subscriptions per principal; no limit on loopback without credentials.",
  }),
  authFailureLimitPerSecond: define({
    key: "auth_failure_limit",
    kind: count({ min: 1, max: 1_000_000 }, "/s"),
    initial: "10/s",
    unit: "failed calls per second",
    description:
      "Calls without valid credentials per address; above it nothing new is tried for the address.",
  }),
  reflection: define({
    key: "reflection",
    kind: choice("auto", "on", "off"),
    initial: "auto",
    description: "gRPC server reflection; auto is on for loopback only.",
  }),
  logLevel: define({
    key: "log_level",
    kind: choice("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    initial: "info",
    description: "Least severe log line that is written.",
  }),
  logFormat: define({
    key: "log_format",
    kind: choice("auto", "json", "pretty"),
    initial: "auto",
    description: "Form of log lines; auto is pretty on a terminal, else json.",
  }),
} as const;

/** The property names of `Settings`, in the order of the reference. */
export type SettingName = keyof typeof DEFINITIONS;

type ValueOf<D> = D extends Definition<infer T> ? T : never;

/** The effective values, spans in milliseconds, sizes in bytes. */
export type SettingValues = { readonly [Name in SettingName]: ValueOf<(typeof DEFINITIONS)[Name]> };

/** Object.keys knows nothing of the type; the table is ours, so its keys are. */
export const SETTING_NAMES = Object.keys(DEFINITIONS) as readonly SettingName[];

export function flagOf(key: string): string {
  return `--${key.replaceAll("_", "-")}`;
}

export const ENV_PREFIX = "WORLDSERVICE_SERVER_";

export function variableOf(key: string): string {
  return ENV_PREFIX + key.toUpperCase();
}

function hostName(): Kind<string> {
  const name = text("an IP address or a host name");
  return {
    ...name,
    read(raw) {
      const found = name.read(raw);
      return "faults" in found || isHost(found.value)
        ? found
        : refuse("is neither an IP address nor a host name");
    },
  };
}
