import { readSettings, type SettingsSources } from "../../../src/settings/read-settings.ts";
import { type SettingProblem, SettingsError } from "../../../src/settings/settings-error.ts";

/** Sources without the environment of the test run. */
export interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the file that `--config` names. */
  readonly yaml?: string;
}

function sources({ argv = [], env = {}, yaml }: Given): SettingsSources {
  if (yaml === undefined) return { argv, env };
  return { argv: ["--config", "settings.yaml", ...argv], env, readFile: () => yaml };
}

export const read = (given: Given = {}) => readSettings(sources(given));

/** The error that these sources lead to; fails the test when there is none. */
export function refusal(given: Given): SettingsError {
  try {
    read(given);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("the settings were accepted");
}

export const problems = (given: Given): readonly SettingProblem[] => refusal(given).problems;

/** YAML text of `worldservice.server` with these lines. */
export const server = (...lines: readonly string[]) =>
  ["worldservice:", "  server:", ...lines.map((line) => `    ${line}`)].join("\n");
