import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** One measured value, as the report has it. */
export interface BenchValue {
  readonly name: string;
  /** Median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** `value` ÷ that of `against`, both from this run. */
  readonly ratio?: number;
  readonly against?: string;
  readonly min?: number;
  readonly max?: number;
  /** What the ratio (without one: the value) shall be, and whether it is. */
  readonly target?: string;
  readonly met?: boolean;
}

/** Something that is timed. */
export interface Way {
  readonly name: string;
  /** Does the work once; what it returns is thrown away, or is the cost in the unit of the measurement. */
  readonly work: () => unknown;
}

/** The rounds of one way, in order of size. */
export interface Rounds {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(samples: readonly number[]): Rounds {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { median: at(0.5), min: at(0), max: at(1) };
}

/** How often ways are measured, after how many rounds that do not count. */
export interface Turns {
  readonly rounds: number;
  readonly warmUp: number;
}

/**
 * Measures all ways in turns, so that a slow moment of the machine meets every one alike.
 *
 * @param cost of one turn of a way.
 */
export async function inTurns<W extends { readonly name: string }>(
  ways: readonly W[],
  { rounds, warmUp }: Turns,
  cost: (way: W) => number | Promise<number>,
): Promise<Map<string, Rounds>> {
  const samples = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const way of ways) {
      // Nobody pays for what the one before has thrown away.
      collectGarbage();
      const sample = await cost(way);
      if (round >= 0) samples.get(way.name)?.push(sample);
    }
  }
  return new Map([...samples].map(([name, list]) => [name, summarize(list)]));
}

/** Nanoseconds that `work` takes. */
export function nanoseconds(work: () => unknown): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/** Milliseconds that `work` takes. */
export async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The value of a way, with its ratio to another one and a bound on that ratio. */
export function benchValue(
  name: string,
  unit: string,
  rounds: Rounds | undefined,
  against?: { readonly name: string; readonly rounds: Rounds | undefined; readonly atMost?: number },
): BenchValue {
  const { median, min, max } = rounds ?? summarize([]);
  const plain = { name, value: median, unit, min, max };
  if (against === undefined) return plain;
  const ratio = median / (against.rounds?.median ?? Number.NaN);
  const compared = { ...plain, ratio, against: against.name };
  return against.atMost === undefined ? compared : { ...compared, ...atMost(ratio, against.atMost) };
}

/** Whether a figure is as small as it shall be. */
export function atMost(figure: number, limit: number): { target: string; met: boolean } {
  return { target: `≤ ${limit}`, met: figure <= limit };
}

export function atLeast(figure: number, limit: number): { target: string; met: boolean } {
  return { target: `≥ ${limit}`, met: figure >= limit };
}
