import { type Logger, pino } from "pino";
import { prettyLogs } from "./settings/policies.ts";
import type { Settings } from "./settings/read-settings.ts";

/** The process's log on standard output: JSON lines, or readable lines on a terminal. */
export function createLog(settings: Pick<Settings, "logLevel" | "logFormat">): Logger {
  const options = { level: settings.logLevel, base: null };
  if (!prettyLogs(settings, process.stdout.isTTY === true)) return pino(options);
  return pino({
    ...options,
    transport: { target: "pino-pretty", options: { translateTime: "SYS:HH:MM:ss.l" } },
  });
}
