import Table from "cli-table3";
import { type EffectiveSetting, effectiveSettings } from "../settings/describe.ts";
import { readSettings, type SettingsSources } from "../settings/read-settings.ts";
import { SettingsError } from "../settings/settings-error.ts";

/** Exit code for settings that the server would refuse to start with. */
const BAD_SETTINGS = 2;

export interface ConfigOptions {
  readonly json: boolean;
  readonly env?: SettingsSources["env"];
  readonly out?: (text: string) => void;
  readonly err?: (text: string) => void;
}

/** Prints the effective settings to `out`, or every problem to `err`. Returns the exit code. */
export function runConfig(argv: readonly string[], options: ConfigOptions): number {
  const { json, env, out = console.log, err = console.error } = options;
  try {
    const rows = effectiveSettings(readSettings(env === undefined ? { argv } : { argv, env }));
    out(json ? toJson(rows) : toTable(rows));
    return 0;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    err(json ? JSON.stringify({ problems: error.problems }, null, 2) : error.message);
    return BAD_SETTINGS;
  }
}

function toJson(rows: readonly EffectiveSetting[]): string {
  const entries = rows.map(({ key, value, origin }) => [key, { value, ...origin }]);
  return JSON.stringify(Object.fromEntries(entries), null, 2);
}

function toTable(rows: readonly EffectiveSetting[]): string {
  const table = new Table({
    head: ["setting", "value", "from"],
    style: { head: [], border: [], compact: true },
  });
  for (const { key, value, origin } of rows) {
    table.push([key, typeof value === "string" ? value : JSON.stringify(value), origin.at]);
  }
  return table.toString();
}
