/** What follows from several settings together, said once for all who need to know. */
import { isLoopback } from "./addresses.ts";
import type { SettingValues } from "./definitions.ts";

type Credentials = Pick<SettingValues, "authTokens" | "authCertificates">;

/** True when every call must carry a known token or come with a known certificate. */
export function requiresCredentials({ authTokens, authCertificates }: Credentials): boolean {
  return authTokens.length > 0 || authCertificates.length > 0;
}

/** Rate and subscription limits hold everywhere but on loopback without credentials, where nobody can be told apart. */
export function limitsApply(settings: Credentials & Pick<SettingValues, "host">): boolean {
  return requiresCredentials(settings) || !isLoopback(settings.host);
}

/**
 * True when nothing but its address protects the server. Then a page in a browser of this machine must not get in
 * under a name of its own that it made resolve to this address.
 */
export function answersLoopbackNamesOnly(settings: Credentials & Pick<SettingValues, "host">): boolean {
  return !requiresCredentials(settings) && isLoopback(settings.host);
}

export function reflectionEnabled({ reflection, host }: Pick<SettingValues, "reflection" | "host">): boolean {
  return reflection === "auto" ? isLoopback(host) : reflection === "on";
}

export function prettyLogs({ logFormat }: Pick<SettingValues, "logFormat">, isTerminal: boolean): boolean {
  return logFormat === "auto" ? isTerminal : logFormat === "pretty";
}
