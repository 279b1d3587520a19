/**
 * The TypeScript client of worldservice. Nothing here needs Node.js: bring a transport from `worldservice/client/node`
 * (gRPC over HTTP/2) or `worldservice/client/web` (gRPC-Web or Connect over fetch, in browsers too).
 */
export { EventType, StartPosition } from "#gen/worldservice/v1/control_bus_service_pb.ts";
export { ALPHA_KEYS, ALPHA_SPECS, type AlphaKey, type MetricSpec } from "../domain/alpha/metric-spec.ts";
export type { ParsedFigures } from "../domain/alpha/parse-envelope.ts";
export { type AlphaMetricsView, isMeasured, type MissingSeries, parseAlphaMetrics } from "./alpha-metrics.ts";
export {
  type ClientsV1,
  type ClientsV2,
  createClients,
  type SharedClients,
  type WorldserviceClients,
} from "./clients.ts";
export { type FeedGap, FeedGapError, type Interruption } from "./feed-errors.ts";
export { type FeedMessageV1, type FeedMessageV2, type FollowOptions, follow } from "./follow.ts";
export { type FallbackReason, negotiate, type Spoken, type SpokenV1, type SpokenV2 } from "./negotiate.ts";
export {
  codeName,
  type FieldViolation,
  isRefusal,
  type ReasonName,
  type Refusal,
  refusalOf,
} from "./refusal.ts";
export { type RetryOptions, withRetries } from "./retry.ts";
export type { Backoff, Timing } from "./timing.ts";
