/** Messages that are almost right: real ones with something broken in them. */
import { create, type DescMessage, type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import type { Random } from "../support/random.ts";
import { junk } from "./wire.ts";

const TEXTS = [
  "",
  "w",
  "w1",
  "__proto__",
  "{}",
  "../x",
  "a\u0000b",
  "\u202e",
  "é",
  "e\u0301",
  "𐍈",
  "x".repeat(129),
  "*",
];
const NUMBERS = [0, -0, 1, -1, 0.5, 1e308, -1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 + 2];
const MOST_DEPTH = 3;

/** A message with some of its fields set to values that somebody should have thought of. */
export function someMessage(random: Random, { input }: DescMethod): Uint8Array {
  return toBinary(input, filled(random, input, 0));
}

function filled(random: Random, schema: DescMessage, depth: number): Message {
  const init: Record<string, unknown> = {};
  for (const field of schema.fields) {
    if (random.next() < 0.4) continue;
    const value = fieldValue(random, field, depth);
    if (value !== undefined && field.oneof === undefined) init[field.localName] = value;
  }
  return create(schema, init);
}

type Field = DescMessage["fields"][number];

function fieldValue(random: Random, field: Field, depth: number): unknown {
  switch (field.fieldKind) {
    case "scalar":
      return scalarOf(random, field.scalar);
    case "enum":
      return random.between(-1, 9);
    case "message":
      return messageOf(random, field.message, depth);
    case "list":
      return Array.from({ length: random.between(0, 3) }, () =>
        field.listKind === "scalar"
          ? scalarOf(random, field.scalar)
          : field.listKind === "enum"
            ? random.between(-1, 9)
            : (messageOf(random, field.message, depth) ?? create(field.message)),
      );
    case "map":
      return mapOf(random, field, depth);
  }
}

function mapOf(random: Random, field: Field & { fieldKind: "map" }, depth: number): unknown {
  const value = () => {
    if (field.mapKind === "scalar") return scalarOf(random, field.scalar);
    return field.mapKind === "message"
      ? (messageOf(random, field.message, depth) ?? create(field.message))
      : 1;
  };
  // From entries, since `__proto__` is one of the keys.
  return Object.fromEntries(
    Array.from({ length: random.between(0, 3) }, () => [random.pick(TEXTS), value()]),
  );
}

function messageOf(random: Random, schema: DescMessage, depth: number): Message | undefined {
  const isPlain = schema.typeName.startsWith("google.") || depth >= MOST_DEPTH;
  return isPlain ? undefined : filled(random, schema, depth + 1);
}

/** By the numbers of the types in the descriptor. */
function scalarOf(random: Random, type: number): unknown {
  if (type === 9) return random.pick(TEXTS);
  if (type === 8) return random.next() < 0.5;
  if (type === 12) return new Uint8Array(3);
  if (type === 1) return random.pick(NUMBERS);
  if (type === 2) return random.pick([0, 1, -1, Number.NaN]);
  if ([3, 4, 6, 16, 18].includes(type)) return BigInt(random.pick([0, 1, 2 ** 40]));
  return random.pick([0, 1, 2 ** 31 - 1]);
}

/** One thing wrong with the bytes of a message. */
export function broken(random: Random, bytes: Uint8Array): Buffer {
  const whole = Buffer.from(bytes);
  const at = random.between(0, Math.max(0, whole.length - 1));
  const kinds: (() => Buffer)[] = [
    () => whole,
    () => whole.subarray(0, at),
    () => changed(whole, at, random.between(0, 255)),
    () => changed(whole, at, (whole[at] ?? 0) ^ (1 << random.between(0, 7))),
    () => Buffer.concat([whole, junk(random, 40)]),
    () => Buffer.concat([whole.subarray(0, at), junk(random, 8), whole.subarray(at)]),
    () => Buffer.concat([whole, whole]),
    () => Buffer.concat([whole, Buffer.from("0affffffffffffffffff01", "hex")]), // a length of 2^64 - 1
    () => Buffer.concat([whole, Buffer.from([0x0a, 0x02, 0xc3, 0x28])]), // no UTF-8
    () => nested(random.between(1, 20_000)),
    () => junk(random, 200),
  ];
  return random.pick(kinds)();
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at] = value;
  return copy;
}

/** Groups inside of groups, or fields inside of fields, as deep as asked. */
function nested(depth: number): Buffer {
  return Buffer.alloc(depth, 0x0b);
}
