import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import * as v1 from "#gen/worldservice/v1/rebalance_service_pb.ts";
import * as v2 from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { beginDelimited, createOutput, endDelimited, type Output, reserve, writeVarint } from "./output.ts";
import { type ScalarWriter, scalarWriter } from "./scalar-writers.ts";
import { LENGTH_DELIMITED } from "./varint.ts";
import { writeSymbolDeltaV1, writeSymbolDeltaV2 } from "./write-symbol-delta.ts";

/** A message in the shape `create` takes it in, whatever its type. */
type Init = Readonly<Record<string, unknown>>;
type WriteMessage = (out: Output, message: Init) => void;

/**
 * Encodes messages of one type straight from the shape that handlers return, without first making messages of it and
 * of all that is in it. The bytes are those of `toBinary(schema, create(schema, init))`, and so are the errors.
 */
export function compileWriter<Desc extends DescMessage>(
  schema: Desc,
): (init: MessageInitShape<Desc>) => Uint8Array {
  const write = messageWriter(schema);
  return (init) => {
    const out = createOutput();
    try {
      write(out, init as Init);
    } catch {
      // Something that does not fit its field: protobuf-es says what.
      return toBinary(schema, create(schema, init));
    }
    return out.bytes.subarray(0, out.pos);
  };
}

/** The messages that answers hold by the thousand have writers of their own. */
const writers = new WeakMap<DescMessage, WriteMessage>([
  [v1.SymbolDeltaSchema, writeSymbolDeltaV1],
  [v2.SymbolDeltaSchema, writeSymbolDeltaV2],
]);

/** Made on first use and kept; a message may hold itself, so its writer is kept before its fields are looked at. */
function messageWriter(schema: DescMessage): WriteMessage {
  const known = writers.get(schema);
  if (known !== undefined) return known;
  const byLibrary: WriteMessage = (out, message) => {
    const bytes = toBinary(schema, create(schema, message));
    reserve(out, bytes.length);
    out.bytes.set(bytes, out.pos);
    out.pos += bytes.length;
  };
  if (!schema.fields.every(isPlain)) return byLibrary;
  const fields: WriteMessage[] = [];
  const write: WriteMessage = (out, message) => {
    // Only a message that was decoded has such fields.
    if (message.$unknown !== undefined) byLibrary(out, message);
    else for (const writeField of fields) writeField(out, message);
  };
  writers.set(schema, write);
  for (const field of schema.fields.toSorted((a, b) => a.number - b.number)) fields.push(fieldWriter(field));
  return write;
}

/** Whether a field is of a kind that is written here: others, with all of their message, are left to protobuf-es. */
function isPlain(field: DescField): boolean {
  if (field.oneof !== undefined) return false;
  // Google's own types (Struct, Timestamp, wrappers) have shapes of their own.
  if (field.message?.typeName.startsWith("google.protobuf.") === true) return false;
  const key = field.fieldKind === "map" ? field.mapKey : ScalarType.STRING;
  const scalar = field.scalar ?? ScalarType.INT32;
  return key === ScalarType.STRING && scalarWriter(scalar) !== undefined;
}

function fieldWriter(field: DescField): WriteMessage {
  switch (field.fieldKind) {
    case "scalar":
      return singularWriter(field, scalarOf(field.scalar));
    case "enum":
      return singularWriter(field, scalarOf(ScalarType.INT32));
    case "message":
      return childWriter(field.localName, field.number, messageWriter(field.message));
    case "list":
      return listWriter(field);
    case "map":
      return mapWriter(field);
  }
}

function scalarOf(scalar: ScalarType): ScalarWriter {
  const writer = scalarWriter(scalar);
  if (writer === undefined) throw new Error(`no writer for scalar type ${scalar}`);
  return writer;
}

const tagOf = (number: number, wireType: number): number => (number << 3) | wireType;

const EXPLICIT_PRESENCE = 1;

function singularWriter(field: DescField, { wireType, isZero, write }: ScalarWriter): WriteMessage {
  const { localName } = field;
  const tag = tagOf(field.number, wireType);
  const isExplicit = field.presence === EXPLICIT_PRESENCE;
  return (out, message) => {
    const value = message[localName];
    if (value === undefined || (!isExplicit && isZero(value))) return;
    writeVarint(out, tag);
    write(out, value);
  };
}

function childWriter(localName: string, number: number, write: WriteMessage): WriteMessage {
  const tag = tagOf(number, LENGTH_DELIMITED);
  return (out, message) => {
    const child = message[localName];
    if (child !== undefined) writeDelimited(out, tag, () => write(out, child as Init));
  };
}

function writeDelimited(out: Output, tag: number, writeContent: () => void): void {
  writeVarint(out, tag);
  const start = beginDelimited(out);
  writeContent();
  endDelimited(out, start);
}

function listWriter(field: DescField & { fieldKind: "list" }): WriteMessage {
  const { localName, number } = field;
  if (field.listKind === "message") return messageListWriter(localName, number, messageWriter(field.message));
  const { wireType, write } = scalarOf(field.listKind === "enum" ? ScalarType.INT32 : field.scalar);
  if (!field.packed) {
    const tag = tagOf(number, wireType);
    return (out, message) => {
      for (const item of itemsOf(message[localName])) {
        writeVarint(out, tag);
        write(out, item);
      }
    };
  }
  const tag = tagOf(number, LENGTH_DELIMITED);
  return (out, message) => {
    const items = itemsOf(message[localName]);
    if (items.length === 0) return;
    writeDelimited(out, tag, () => {
      for (const item of items) write(out, item);
    });
  };
}

function messageListWriter(localName: string, number: number, write: WriteMessage): WriteMessage {
  const tag = tagOf(number, LENGTH_DELIMITED);
  return (out, message) => {
    for (const item of itemsOf(message[localName])) {
      writeVarint(out, tag);
      const start = beginDelimited(out);
      write(out, item as Init);
      endDelimited(out, start);
    }
  };
}

const NOTHING: readonly unknown[] = [];

function itemsOf(value: unknown): readonly unknown[] {
  return value === undefined ? NOTHING : (value as readonly unknown[]);
}

function mapWriter(field: DescField & { fieldKind: "map" }): WriteMessage {
  const { localName } = field;
  const tag = tagOf(field.number, LENGTH_DELIMITED);
  const { write: writeKey } = scalarOf(ScalarType.STRING);
  const writeValue = mapValueWriter(field);
  return (out, message) => {
    const entries = message[localName];
    if (entries === undefined) return;
    for (const [key, value] of Object.entries(entries as Init)) {
      writeDelimited(out, tag, () => {
        writeVarint(out, tagOf(1, LENGTH_DELIMITED));
        writeKey(out, key);
        writeValue(out, value);
      });
    }
  };
}

/** Field 2 of a map's entry: written even where it is zero. */
function mapValueWriter(field: DescField & { fieldKind: "map" }): (out: Output, value: unknown) => void {
  if (field.mapKind === "message") {
    const write = messageWriter(field.message);
    const tag = tagOf(2, LENGTH_DELIMITED);
    return (out, value) => writeDelimited(out, tag, () => write(out, value as Init));
  }
  const { wireType, write } = scalarOf(field.mapKind === "enum" ? ScalarType.INT32 : field.scalar);
  return (out, value) => {
    writeVarint(out, tagOf(2, wireType));
    write(out, value);
  };
}
