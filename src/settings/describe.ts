/** The settings for people: effective values with their origin, and the reference of all keys. Secrets are redacted. */
import {
  DEFINITIONS,
  type Definition,
  flagOf,
  SETTING_NAMES,
  type SettingName,
  variableOf,
} from "./definitions.ts";
import type { Plain } from "./kinds.ts";
import type { Settings } from "./read-settings.ts";
import type { Origin } from "./sources.ts";

export interface EffectiveSetting {
  readonly key: string;
  /** As a user would write it (`5s`, `64 MiB`), safe to show. */
  readonly value: Plain;
  readonly origin: Origin;
}

export function effectiveSettings(settings: Settings): readonly EffectiveSetting[] {
  return SETTING_NAMES.map((name) => ({
    key: DEFINITIONS[name].key,
    value: plainValue(settings, name),
    origin: settings.origins[name],
  }));
}

/** Taken over while the server runs. */
const REPLACEABLE: ReadonlySet<SettingName> = new Set(["authTokens", "authCertificates"]);

/** Keys of the settings that differ and that a running server does not take over. */
export function needingRestart(running: Settings, reread: Settings): readonly string[] {
  const text = (settings: Settings, name: SettingName) => JSON.stringify(plainValue(settings, name));
  return SETTING_NAMES.filter(
    (name) => !REPLACEABLE.has(name) && text(running, name) !== text(reread, name),
  ).map((name) => DEFINITIONS[name].key);
}

function plainValue<Name extends SettingName>(settings: Settings, name: Name): Plain {
  const definition = DEFINITIONS[name] as Definition<Settings[Name]>;
  return definition.kind.plain(settings[name]);
}

export interface SettingReference {
  readonly key: string;
  readonly type: string;
  readonly default: string;
  readonly allowed: string;
  /** Of the value inside the service; empty where it has none. */
  readonly unit: string;
  readonly description: string;
  readonly secret: boolean;
  readonly flag: string;
  readonly variable: string;
}

/** One row per setting, for the reference page and the help text. */
export function settingsReference(): readonly SettingReference[] {
  return SETTING_NAMES.map((name) => {
    const { key, kind, initial, unit = "", description, secret }: Definition = DEFINITIONS[name];
    return {
      key,
      type: kind.type,
      default: String(initial),
      allowed: kind.allowed,
      unit,
      description,
      secret: secret !== undefined,
      flag: flagOf(key),
      variable: variableOf(key),
    };
  });
}

/** The flags as help text, for `--help` of everything that takes settings. */
export function settingsHelp(): string {
  const rows = settingsReference().map((row) => {
    return `  ${row.flag}\n      ${row.description}\n      ${row.allowed} (default: ${row.default})`;
  });
  return [
    "Settings (also WORLDSERVICE_SERVER_<KEY>, or worldservice.server.<key> in a YAML file):",
    "  --config <file>\n      Read settings from this YAML file.",
    ...rows,
  ].join("\n");
}
