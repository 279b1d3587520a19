import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import {
  BIT32,
  BIT64,
  endOfValue,
  LENGTH_DELIMITED,
  UNUSUAL,
  VARINT,
  varintLength,
  varintValue,
} from "./varint.ts";

/** How a field stands on the wire when it stands there as its type says. */
export interface FieldShape {
  readonly wireType: number;
  /** Repeated numbers may also stand packed. */
  readonly packable: boolean;
  /** The message inside, also a map's entry. */
  readonly inner: Shape | undefined;
}

export type Shape = ReadonlyMap<number, FieldShape>;

/** Deeper messages are protobuf-es's to refuse. */
const MAX_DEPTH = 64;

const shapes = new WeakMap<DescMessage, Shape>();

/**
 * Whether every value in bytes[start, end) has its field's wire type and ends within the message around it, at any
 * depth. Where that holds, protobuf-es reads a field alike wherever it stands, so that a message can be taken apart
 * and put together; where it does not, protobuf-es reads on into the neighbours.
 */
export function isWellFormed(schema: DescMessage, bytes: Uint8Array, start: number, end: number): boolean {
  return isShaped(shapeOf(schema), bytes, start, end, 0);
}

function isShaped(shape: Shape, bytes: Uint8Array, start: number, end: number, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  let pos = start;
  while (pos < end) {
    const tagLength = varintLength(bytes, pos, end);
    if (tagLength === UNUSUAL) return false;
    const tag = varintValue(bytes, pos, tagLength);
    const valueStart = pos + tagLength;
    pos = endOfValue(bytes, valueStart, end, tag & 7);
    if (pos === UNUSUAL || tag >>> 3 === 0) return false;
    const field = shape.get(tag >>> 3);
    if (field !== undefined && !isShapedValue(field, tag & 7, bytes, valueStart, pos, depth)) return false;
  }
  return true;
}

function isShapedValue(
  field: FieldShape,
  wireType: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
): boolean {
  if (wireType !== LENGTH_DELIMITED) return wireType === field.wireType;
  const content = start + varintLength(bytes, start, end);
  if (field.packable) return isPacked(field.wireType, bytes, content, end);
  if (field.wireType !== LENGTH_DELIMITED) return false;
  return field.inner === undefined || isShaped(field.inner, bytes, content, end, depth + 1);
}

function isPacked(wireType: number, bytes: Uint8Array, start: number, end: number): boolean {
  if (wireType === BIT64) return (end - start) % 8 === 0;
  if (wireType === BIT32) return (end - start) % 4 === 0;
  let pos = start;
  while (pos < end && pos !== UNUSUAL) pos = endOfValue(bytes, pos, end, VARINT);
  return pos === end;
}

/** Made on first use and kept; a message may hold itself, so it is kept before its fields are looked at. */
export function shapeOf(schema: DescMessage): Shape {
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const shape = new Map<number, FieldShape>();
  shapes.set(schema, shape);
  for (const field of schema.fields) shape.set(field.number, fieldShape(field));
  return shape;
}

function fieldShape(field: DescField): FieldShape {
  switch (field.fieldKind) {
    case "scalar":
      return plain(wireTypeOf(field.scalar));
    case "enum":
      return plain(VARINT);
    case "message":
      return { wireType: LENGTH_DELIMITED, packable: false, inner: shapeOf(field.message) };
    case "map":
      return { wireType: LENGTH_DELIMITED, packable: false, inner: entryShape(field) };
    case "list":
      return listShape(field);
  }
}

function listShape(field: DescField & { fieldKind: "list" }): FieldShape {
  if (field.listKind === "message") {
    return { wireType: LENGTH_DELIMITED, packable: false, inner: shapeOf(field.message) };
  }
  const wireType = field.listKind === "enum" ? VARINT : wireTypeOf(field.scalar);
  return { wireType, packable: wireType !== LENGTH_DELIMITED, inner: undefined };
}

function entryShape(field: DescField & { fieldKind: "map" }): Shape {
  const value =
    field.mapKind === "message"
      ? { wireType: LENGTH_DELIMITED, packable: false, inner: shapeOf(field.message) }
      : plain(field.mapKind === "enum" ? VARINT : wireTypeOf(field.scalar));
  return new Map([
    [1, plain(wireTypeOf(field.mapKey))],
    [2, value],
  ]);
}

const plain = (wireType: number): FieldShape => ({ wireType, packable: false, inner: undefined });

function wireTypeOf(scalar: ScalarType): number {
  switch (scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BIT64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return BIT32;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return LENGTH_DELIMITED;
    default:
      return VARINT;
  }
}
