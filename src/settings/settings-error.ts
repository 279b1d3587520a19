import type { Origin } from "./sources.ts";

/** One thing that is wrong, with all that is needed to mend it. Secrets never appear in it. */
export interface SettingProblem {
  /** The key, with the place inside it (`auth_tokens[1].name`), or the name as the user wrote it when it is unknown. */
  readonly name: string;
  readonly origin: Origin;
  /** The refused value as text, redacted; absent where there is none. */
  readonly value?: string;
  readonly reason: string;
  readonly allowed?: string;
}

/** Thrown by `readSettings` with every problem of every source at once. */
export class SettingsError extends Error {
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const title =
      problems.length === 1 ? "1 problem in the settings:" : `${problems.length} problems in the settings:`;
    super([title, ...problems.map((problem) => `  - ${describeProblem(problem)}`)].join("\n"));
    this.name = "SettingsError";
    this.problems = problems;
  }
}

function describeProblem({ name, origin, value, reason, allowed }: SettingProblem): string {
  const shown = value === undefined ? "" : ` ${value}`;
  const place = origin.at === name ? "" : ` (${origin.at})`;
  return `${name}${place}:${shown} ${reason}${allowed === undefined ? "" : `; allowed: ${allowed}`}`;
}
