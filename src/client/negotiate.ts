import { Code, ConnectError } from "@connectrpc/connect";
import type { GetCapabilitiesResponse } from "#gen/worldservice/v1/capability_service_pb.ts";
import type { ClientsV1, ClientsV2, WorldserviceClients } from "./clients.ts";

/**
 * Why package v1 is spoken; there are no other reasons:
 * - `GATE_OFF`: the deployment answers with schema version 1 (`compat_rebalance_v2` is off).
 * - `NO_CAPABILITIES`: the server does not know `GetCapabilities` (UNIMPLEMENTED), so it is older than package v2.
 */
export type FallbackReason = "GATE_OFF" | "NO_CAPABILITIES";

export interface SpokenV2 extends ClientsV2 {
  readonly version: 2;
  readonly capabilities: GetCapabilitiesResponse;
}

export interface SpokenV1 extends ClientsV1 {
  readonly version: 1;
  readonly fallback: FallbackReason;
  /** undefined with NO_CAPABILITIES. */
  readonly capabilities: GetCapabilitiesResponse | undefined;
}

/** The clients of the version to speak; `version` tells the two apart, for the type checker too. */
export type Spoken = SpokenV1 | SpokenV2;

/**
 * Asks the deployment what it speaks: v2 where it answers with schema version 2, else v1, with the reason.
 *
 * @throws ConnectError as it came when the question itself failed: a server that is away, or that refuses the caller,
 *   says nothing about versions.
 */
export async function negotiate(
  clients: WorldserviceClients,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
): Promise<Spoken> {
  const capabilities = await clients.capabilities.getCapabilities({}, options).catch(undefinedIfUnknown);
  if (capabilities === undefined) {
    return { version: 1, fallback: "NO_CAPABILITIES", capabilities, ...clients.v1 };
  }
  if (capabilities.rebalanceSchemaVersion >= 2) return { version: 2, capabilities, ...clients.v2 };
  return { version: 1, fallback: "GATE_OFF", capabilities, ...clients.v1 };
}

function undefinedIfUnknown(error: unknown): undefined {
  if (error instanceof ConnectError && error.code === Code.Unimplemented) return undefined;
  throw error;
}
