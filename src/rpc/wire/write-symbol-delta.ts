import { type Output, writeDouble, writeTag, writeText } from "./output.ts";
import { BIT64, LENGTH_DELIMITED } from "./varint.ts";

/** `SymbolDelta` of v1, as handlers return it. */
export interface SymbolDeltaV1 {
  readonly symbol?: string;
  readonly venue?: string;
  readonly deltaQty?: number;
  readonly $unknown?: unknown;
}

/** `SymbolDelta` of v2. */
export interface SymbolDeltaV2 extends SymbolDeltaV1 {
  readonly mark?: number;
  readonly notional?: number;
  readonly residualQty?: number;
}

const SYMBOL_TAG = (1 << 3) | LENGTH_DELIMITED;
const VENUE_TAG = (2 << 3) | LENGTH_DELIMITED;
const DELTA_QTY_TAG = (3 << 3) | BIT64;
const MARK_TAG = (4 << 3) | BIT64;
const NOTIONAL_TAG = (5 << 3) | BIT64;
const RESIDUAL_QTY_TAG = (6 << 3) | BIT64;

/**
 * Writes one delta: the same as a compiled writer would, with its fields by name.
 *
 * @throws TypeError for fields that only protobuf-es can write or refuse.
 */
export function writeSymbolDeltaV1(out: Output, delta: SymbolDeltaV1): void {
  const { symbol, venue, deltaQty } = delta;
  if (delta.$unknown !== undefined) throw new TypeError("a delta with unknown fields");
  if (symbol !== undefined && symbol !== "") writeTagged(out, SYMBOL_TAG, symbol);
  if (venue !== undefined) writeTagged(out, VENUE_TAG, venue);
  writeNumber(out, DELTA_QTY_TAG, deltaQty);
}

/** As `writeSymbolDeltaV1`. */
export function writeSymbolDeltaV2(out: Output, delta: SymbolDeltaV2): void {
  writeSymbolDeltaV1(out, delta);
  writeNumber(out, MARK_TAG, delta.mark);
  writeNumber(out, NOTIONAL_TAG, delta.notional);
  writeNumber(out, RESIDUAL_QTY_TAG, delta.residualQty);
}

function writeTagged(out: Output, tag: number, text: string): void {
  if (typeof text !== "string") throw new TypeError("not a text");
  writeTag(out, tag);
  writeText(out, text);
}

function writeNumber(out: Output, tag: number, value: number | undefined): void {
  if (value === undefined || Object.is(value, 0)) return;
  if (typeof value !== "number") throw new TypeError("not a number");
  writeTag(out, tag);
  writeDouble(out, value);
}
