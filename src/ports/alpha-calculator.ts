/**
 * How a deployment brings its own alpha figures: `compose.ts` injects one `AlphaCalculator`, and plans, events and
 * evaluations carry its numbers.
 *
 * - It is asked once for every world of a plan and every strategy in it, whether a series is known or not.
 * - It answers at once and without I/O; figures that need I/O are fetched before and closed over.
 * - Keys outside the six are dropped, NaN and infinities become 0.0 and are listed as missing.
 * - An error it throws fails the call that needed the figures; nothing is stored.
 */

export type { AlphaResult, MissingFigures, MissingReason } from "../domain/alpha/alpha-performance.ts";
export type { AlphaCalculator, AlphaQuestion } from "../domain/alpha/calculator.ts";
export { defaultAlphaCalculator } from "../domain/alpha/calculator.ts";
