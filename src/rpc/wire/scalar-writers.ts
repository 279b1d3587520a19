import { ScalarType } from "@bufbuild/protobuf";
import { type Output, writeDouble, writeInt32, writeText, writeVarint } from "./output.ts";
import { BIT64, LENGTH_DELIMITED, VARINT } from "./varint.ts";

/** How values of one scalar type are written. `write` throws for what is no value of it. */
export interface ScalarWriter {
  readonly wireType: number;
  /** Not written where a field is either set or zero. Minus zero is not zero for doubles. */
  readonly isZero: (value: unknown) => boolean;
  readonly write: (out: Output, value: unknown) => void;
}

const TEXT: ScalarWriter = {
  wireType: LENGTH_DELIMITED,
  isZero: (value) => value === "",
  write: (out, value) => {
    if (typeof value !== "string") throw new TypeError("not a text");
    writeText(out, value);
  },
};

const DOUBLE: ScalarWriter = {
  wireType: BIT64,
  isZero: (value) => Object.is(value, 0),
  write: (out, value) => {
    if (typeof value !== "number") throw new TypeError("not a number");
    writeDouble(out, value);
  },
};

const INT32: ScalarWriter = {
  wireType: VARINT,
  isZero: (value) => value === 0,
  write: (out, value) => {
    if (typeof value !== "number" || (value | 0) !== value) throw new TypeError("not an int32");
    writeInt32(out, value);
  },
};

const UINT32: ScalarWriter = {
  wireType: VARINT,
  isZero: (value) => value === 0,
  write: (out, value) => {
    if (typeof value !== "number" || value >>> 0 !== value) throw new TypeError("not a uint32");
    writeVarint(out, value);
  },
};

const BOOL: ScalarWriter = {
  wireType: VARINT,
  isZero: (value) => value === false,
  write: (out, value) => {
    if (typeof value !== "boolean") throw new TypeError("not a bool");
    writeVarint(out, value ? 1 : 0);
  },
};

const WRITERS = new Map<ScalarType, ScalarWriter>([
  [ScalarType.STRING, TEXT],
  [ScalarType.DOUBLE, DOUBLE],
  [ScalarType.INT32, INT32],
  [ScalarType.UINT32, UINT32],
  [ScalarType.BOOL, BOOL],
]);

/** Undefined for types that are left to protobuf-es. */
export function scalarWriter(type: ScalarType): ScalarWriter | undefined {
  return WRITERS.get(type);
}
