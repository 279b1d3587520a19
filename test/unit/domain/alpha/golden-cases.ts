import { readFileSync } from "node:fs";
import { expect } from "chai";

/** One recorded case. NaN and infinities stand as texts. */
export interface GoldenCase<Input> {
  readonly id: string;
  readonly input: Input;
  readonly expected: { readonly result: unknown };
  readonly defects: readonly string[];
}

const FOLDER = new URL("../../../golden/alpha/", import.meta.url);

export function goldenCases<Input>(area: string): GoldenCase<Input>[] {
  const cases: GoldenCase<Input>[] = JSON.parse(readFileSync(new URL(`${area}.json`, FOLDER), "utf8"));
  expect(cases.length, `cases in ${area}`).to.be.greaterThan(0);
  return cases;
}

export function sound<Input>(area: string): GoldenCase<Input>[] {
  return goldenCases<Input>(area).filter(({ defects }) => defects.length === 0);
}

export function tagged<Input>(area: string, tag: string): GoldenCase<Input>[] {
  const found = goldenCases<Input>(area).filter(({ defects }) => defects.some((one) => one.startsWith(tag)));
  expect(found.length, `cases tagged ${tag}`).to.be.greaterThan(0);
  return found;
}

/** A number that may be written as "NaN", "Infinity" or "-Infinity". */
export type Written = number | string | null;

export function toNumber(written: Written): number {
  return written === null ? Number.NaN : Number(written);
}

/** The tolerance of the recorded cases: |a−b| ≤ 1e-9·max(1, |a|, |b|). */
export function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}

export function expectClose(actual: number | undefined, expected: number, what: string): void {
  const close =
    actual !== undefined && (isClose(actual, expected) || (Number.isNaN(actual) && Number.isNaN(expected)));
  expect(close, `${what}: ${actual} should be ${expected}`).to.equal(true);
}

/** A record of numbers, as a map that is safe for any key. */
export function numbersOf(value: unknown): Map<string, number> {
  expect(value).to.be.an("object");
  const entries = Object.entries(value ?? {});
  return new Map(entries.map(([key, written]) => [key, Number(written)]));
}

export function expectAllClose(
  actual: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
  what: string,
): void {
  for (const [key, value] of expected) expectClose(actual.get(key), value, `${what} ${key}`);
}
