/** The second half of the composition: everything that stands between a caller and the services. */
import type { ConnectRouter } from "@connectrpc/connect";
import type { Logger } from "pino";
import { type AdminServer, createAdminServer } from "./observability/admin-server.ts";
import { createMetrics, type Metrics } from "./observability/metrics.ts";
import { createReadiness } from "./observability/readiness.ts";
import type { Tracing } from "./observability/tracing.ts";
import type { Store } from "./ports/store.ts";
import { type Admission, createAdmission } from "./rpc/admission/admission.ts";
import type { AdmissionLimits } from "./rpc/admission/limits.ts";
import { createRefusalLog } from "./rpc/admission/refusal-log.ts";
import { createScreen } from "./rpc/admission/screen.ts";
import type { EdgeTls } from "./rpc/edge/acceptor.ts";
import { createEdge, type Edge } from "./rpc/edge/create-edge.ts";
import type { FeedHub } from "./rpc/feed/hub.ts";
import { SERVICES } from "./rpc/routes.ts";
import { createAuthorization } from "./rpc/security/authorize.ts";
import { type CertificatePaths, readCertificates, watchCertificates } from "./rpc/security/certificates.ts";
import type { Credentials } from "./rpc/security/credentials.ts";
import { STANDARD_SERVICES } from "./rpc/security/rules.ts";
import { worldsOfRunIn } from "./rpc/security/run-worlds.ts";
import { isLoopback } from "./settings/addresses.ts";
import { answersLoopbackNamesOnly, limitsApply } from "./settings/policies.ts";
import type { Settings } from "./settings/read-settings.ts";
import { SERVER_VERSION } from "./version.ts";

/** What the edge is built around. */
export interface EdgeParts {
  readonly routes: readonly ((router: ConnectRouter) => void)[];
  readonly store: Store;
  readonly feed: FeedHub;
  readonly tracing: Tracing;
  readonly tls: Tls | undefined;
  readonly isDraining: () => boolean;
  readonly log: Logger;
  /** What differs from the limits of the settings and the defaults. */
  readonly admission?: Partial<AdmissionLimits> | undefined;
}

/** The settings that say who may call. */
export type CredentialSettings = Pick<Settings, "authTokens" | "authCertificates">;

function credentialsOf({ authTokens, authCertificates }: CredentialSettings): Credentials {
  return { tokens: authTokens, certificates: authCertificates };
}

/** An edge that lets in who may come, and what watches over it. */
export interface GuardedEdge {
  readonly edge: Edge;
  /** Undefined when the settings switch it off. */
  readonly admin: AdminServer | undefined;
  readonly metrics: Metrics | undefined;
  readonly background: readonly { start(): void; stop(): Promise<void> }[];
  replaceCredentials(settings: CredentialSettings): void;
}

/** A certificate and where it came from. */
export interface Tls {
  readonly paths: CertificatePaths;
  readonly current: EdgeTls;
}

/** How often the certificate files are looked at. */
const CERTIFICATE_INTERVAL_MS = 5_000;

/**
 * Undefined where no certificate is configured.
 *
 * @throws Error `CertificateError`: nothing is served under a certificate that cannot be used, and nothing without.
 */
export async function openTls({ tlsCert, tlsKey, tlsClientCa }: Settings): Promise<Tls | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const paths = { cert: tlsCert, key: tlsKey, clientCa: tlsClientCa };
  return { paths, current: await readCertificates(paths) };
}

export function composeEdge(settings: Settings, parts: EdgeParts): GuardedEdge {
  const { routes, store, tracing, tls, log } = parts;
  const authorization = createAuthorization({
    credentials: credentialsOf(settings),
    failuresPerSecond: settings.authFailureLimitPerSecond,
    services: [...SERVICES, ...STANDARD_SERVICES],
    worldsOfRun: worldsOfRunIn(store),
    log,
  });
  let metrics: Metrics | undefined;
  const refusals = createRefusalLog(log);
  const admission = createAdmission({
    limits: { ...callerLimits(settings), ...parts.admission },
    onRefused(by) {
      metrics?.refusal(by);
      refusals.count(by);
    },
  });
  if (settings.adminPort !== 0) metrics = createServerMetrics(settings, parts, admission);
  const edge = createEdge({
    routes: (router) => {
      for (const add of routes) add(router);
    },
    log,
    ...(answersLoopbackNamesOnly(settings) ? { acceptsHost: isLoopbackName } : {}),
    screen: createScreen(admission, log),
    async gate(context) {
      await authorization.gate(context);
      await admission.gate(context);
    },
    outermost: [tracing.interceptor],
    interceptors: [authorization.interceptor, admission.interceptor],
    ...(metrics === undefined ? {} : { onCallEnd: metrics.call }),
    ...(tls === undefined ? {} : { tls: tls.current }),
    limits: { maxMessageBytes: settings.maxMessageBytes, maxTimeoutMs: settings.maxDeadlineMs },
  });
  const readiness = createReadiness(store, parts.isDraining);
  return {
    edge,
    metrics,
    admin: metrics && createAdminServer({ metrics, readiness }),
    background: [admission, refusals, ...(tls === undefined ? [] : [followCertificates(tls, edge, log)])],
    replaceCredentials: (changed) => authorization.replaceCredentials(credentialsOf(changed)),
  };
}

/** Names under `.localhost` are resolved to this machine by definition (RFC 6761). */
function isLoopbackName(host: string): boolean {
  return isLoopback(host) || host.endsWith(".localhost");
}

/** On loopback without credentials there is nobody to tell apart. */
function callerLimits(settings: Settings): Partial<AdmissionLimits> {
  if (!limitsApply(settings)) return {};
  return { ratePerSecond: settings.rateLimitPerSecond, subscriptions: settings.subscriptionLimit };
}

function createServerMetrics(
  { book }: Settings,
  { store, feed, isDraining }: EdgeParts,
  { lagMs, callsInFlight }: Admission,
): Metrics {
  const { kind, durability } = store.info;
  return createMetrics(
    { version: SERVER_VERSION, store: kind, durability, book },
    { subscriptions: feed.activeSubscriptions, callsInFlight, lagMs, isDraining },
  );
}

function followCertificates({ paths, current }: Tls, edge: Edge, log: Logger) {
  return watchCertificates({
    paths,
    current,
    intervalMs: CERTIFICATE_INTERVAL_MS,
    onChange(certificate) {
      edge.useCertificate(certificate);
      log.info("the certificate was replaced");
    },
    onError: (error) => log.error({ err: error }, "the new certificate cannot be used; the old one stays"),
  });
}
