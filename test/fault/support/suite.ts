/** What all fault suites share: servers over a store, a history, and the judgement at the end. */
import type { Guard } from "../../support/faults.ts";
import { countOf, createHistory, type History } from "../../support/history.ts";
import { checkHistory, type Findings, VIOLATIONS, violationsOf } from "../../support/history-checker.ts";
import { type Backing, LOCK_TTL_MS, openBacking, type StoreKind } from "./backing.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { type Random, randomOf } from "./random.ts";

export interface SuiteOptions {
  readonly kind: StoreKind;
  readonly seed: number;
  /** How many times something is killed, stopped, cut or repeated; 1 or more. */
  readonly rounds: number;
  /** Runs without this guard, to see that the suite notices. */
  readonly guardOff?: Guard;
}

export interface Scene extends SuiteOptions {
  readonly backing: Backing;
  readonly fleet: Fleet;
  readonly history: History;
  readonly random: Random;
  /** Something that must not be, beyond what the checker finds. */
  problem(what: string): void;
}

/** What a suite tells beside the findings, by name. */
export type Figures = Readonly<Record<string, number>>;

export interface SuiteResult {
  readonly name: string;
  readonly kind: StoreKind;
  readonly seed: number;
  readonly ops: number;
  readonly ok: number;
  readonly unknown: number;
  readonly figures: Figures;
  readonly found: Findings;
  readonly problems: readonly string[];
  readonly seconds: number;
}

export interface Suite {
  readonly name: string;
  readonly kinds: readonly StoreKind[];
  readonly earlyContext?: boolean;
  readonly spares?: number;
  /** Does the damage; returns when every call has been answered. */
  play(scene: Scene): Promise<Figures>;
}

export async function runSuite(suite: Suite, options: SuiteOptions): Promise<SuiteResult> {
  const startedAt = performance.now();
  const { kind, seed, guardOff } = options;
  const { earlyContext } = suite;
  const backing = await openBacking(kind);
  const history = createHistory();
  const problems: string[] = [];
  try {
    const fleet = await startFleet({
      size: backing.servers,
      start: { flags: backing.flags, guardOff, earlyContext },
      spares: suite.spares ?? 0,
    });
    const problem = (what: string) => void problems.push(what);
    let figures: Figures;
    try {
      figures = await suite.play({ ...options, backing, fleet, history, random: randomOf(seed), problem });
    } finally {
      await fleet.close();
    }
    const found = await judge(backing, history);
    const seconds = (performance.now() - startedAt) / 1_000;
    const counts = {
      ops: history.attempts.length,
      ok: countOf(history, "ok"),
      unknown: countOf(history, "unknown"),
    };
    return { name: suite.name, kind, seed, ...counts, figures, found, problems, seconds };
  } finally {
    await backing.close();
  }
}

/** The servers must be gone. */
export async function judge(backing: Backing, history: History): Promise<Findings> {
  const opened = await backing.open();
  try {
    return await checkHistory(opened, history, { lockTtlMs: LOCK_TTL_MS });
  } finally {
    await opened.close();
  }
}

export function hasFailed({ found, problems }: SuiteResult): boolean {
  return violationsOf(found) > 0 || problems.length > 0;
}

/** One line: `redis stage-kills ops=… ok=… unknown=… kills=… lost=0 … seed=…`. */
export function lineOf(result: SuiteResult): string {
  const { name, kind, seed, ops, ok, unknown, figures, found, problems, seconds } = result;
  const counts = {
    ops,
    ok,
    unknown,
    ...figures,
    revisions: found.revisions,
    ...Object.fromEntries(VIOLATIONS.map((violation) => [violation, found[violation]])),
    problems: problems.length,
    seed,
  };
  const text = Object.entries(counts).map(([key, value]) => `${key}=${value}`);
  return `${hasFailed(result) ? "FAILED " : ""}${kind} ${name} ${text.join(" ")} (${seconds.toFixed(1)} s)`;
}

/** What went wrong, for people. */
export function detailsOf({ found, problems }: SuiteResult): string {
  return [...problems, ...found.details].slice(0, 20).join("\n");
}
