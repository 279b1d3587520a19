/** Rules that tie several settings together. */
import { isLoopback } from "./addresses.ts";
import type { SettingName, SettingValues } from "./definitions.ts";
import { requiresCredentials } from "./policies.ts";

export interface CrossRule {
  /** The setting to name in the error. */
  readonly name: SettingName;
  /** All settings that the rule looks at; it is not asked while one of them is wrong by itself. */
  readonly reads: readonly SettingName[];
  /** The reason why these values do not go together. */
  readonly check: (values: SettingValues) => string | undefined;
}

export const CROSS_RULES: readonly CrossRule[] = [
  {
    name: "alphaMetricsRequired",
    reads: ["alphaMetricsRequired", "compatRebalanceV2"],
    check: (it) =>
      when(
        it.alphaMetricsRequired && !it.compatRebalanceV2,
        "needs compat_rebalance_v2: without it every answer is schema version 1, which carries no alpha metrics, so every rebalance would be refused",
      ),
  },
  {
    name: "host",
    reads: ["host", "insecure", "tlsCert", "authTokens", "authCertificates"],
    check: (it) =>
      when(
        !isLoopback(it.host) && !it.insecure && !isProtected(it),
        "is reachable from other machines: set tls_cert, tls_key and auth_tokens or auth_certificates, or accept the risk with insecure: true",
      ),
  },
  {
    name: "tlsCert",
    reads: ["tlsCert", "tlsKey"],
    check: (it) => when(it.tlsCert !== undefined && it.tlsKey === undefined, "needs tls_key"),
  },
  {
    name: "tlsKey",
    reads: ["tlsCert", "tlsKey"],
    check: (it) => when(it.tlsKey !== undefined && it.tlsCert === undefined, "needs tls_cert"),
  },
  {
    name: "tlsClientCa",
    reads: ["tlsCert", "tlsClientCa"],
    check: (it) =>
      when(it.tlsClientCa !== undefined && it.tlsCert === undefined, "needs tls_cert and tls_key"),
  },
  {
    name: "authCertificates",
    reads: ["authCertificates", "tlsClientCa"],
    check: (it) =>
      when(
        it.authCertificates.length > 0 && it.tlsClientCa === undefined,
        "needs tls_client_ca: without it nobody is asked for a certificate",
      ),
  },
  {
    name: "adminPort",
    reads: ["adminPort", "port"],
    check: (it) =>
      when(
        it.adminPort !== 0 && it.adminPort === it.port,
        "is the same as port; take another, or 0 for none",
      ),
  },
  {
    name: "durability",
    reads: ["durability", "store"],
    check: (it) =>
      when(
        it.durability === "replicated" && it.store.kind !== "redis",
        "needs a Redis store: no other has replicas",
      ),
  },
];

function when(broken: boolean, reason: string): string | undefined {
  return broken ? reason : undefined;
}

function isProtected(values: SettingValues): boolean {
  return values.tlsCert !== undefined && requiresCredentials(values);
}
