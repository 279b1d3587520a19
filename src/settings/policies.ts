/** What follows from several settings together, said once for all who need to know. */
import { isLoopback } from "./addresses.ts";
import type { SettingValues } from "./definitions.ts";

/** True when every call must carry a known token. */
export function requiresToken({ authTokens }: Pick<SettingValues, "authTokens">): boolean {
  return authTokens.length > 0;
}

/** Rate and subscription limits hold everywhere but on loopback without tokens, where there is nobody to tell apart. */
export function limitsApply(settings: Pick<SettingValues, "authTokens" | "host">): boolean {
  return requiresToken(settings) || !isLoopback(settings.host);
}

export function reflectionEnabled({ reflection, host }: Pick<SettingValues, "reflection" | "host">): boolean {
  return reflection === "auto" ? isLoopback(host) : reflection === "on";
}

export function prettyLogs({ logFormat }: Pick<SettingValues, "logFormat">, isTerminal: boolean): boolean {
  return logFormat === "auto" ? isTerminal : logFormat === "pretty";
}
