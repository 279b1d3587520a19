import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { DomainError } from "../../../../src/domain/errors.ts";
import { BULK_DECODERS } from "../../../../src/rpc/wire/bulk-decoders.ts";
import { type PositionCarrier, positionsOf } from "../../../../src/rpc/wire/positions.ts";
import { READ } from "../../../../src/rpc/wire/read-bulk-request.ts";

/** Either way to understand a request, in a form that can be compared: what it says, or why it is refused. */
export interface Understood {
  readonly error?: string;
  readonly rest?: string;
  readonly positions?: unknown;
}

/** A kind of request and where it keeps its positions. */
export interface RequestKind<M extends Message> {
  readonly schema: GenMessage<M>;
  readonly carrierOf: (message: M) => PositionCarrier | undefined;
}

/** As protobuf-es reads it. */
export function byProtobuf<M extends Message>({ schema, carrierOf }: RequestKind<M>, bytes: Uint8Array) {
  return understand(schema, carrierOf, () => fromBinary(schema, bytes, READ));
}

/** As the bulk readers read it. */
export function byHand<M extends Message>({ schema, carrierOf }: RequestKind<M>, bytes: Uint8Array) {
  const decode = BULK_DECODERS.get(schema.typeName);
  if (decode === undefined) throw new Error(`no decoder for ${schema.typeName}`);
  return understand(schema, carrierOf, () => decode(bytes) as M);
}

function understand<M extends Message>(
  schema: GenMessage<M>,
  carrierOf: (message: M) => PositionCarrier | undefined,
  decode: () => M,
): Understood {
  let message: M;
  try {
    message = decode();
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
  const carrier = carrierOf(message);
  const positions = carrier === undefined ? "none" : settled(carrier);
  if (carrier !== undefined) clear(carrier);
  return { rest: Buffer.from(toBinary(schema, message)).toString("hex"), positions };
}

function settled(carrier: PositionCarrier): unknown {
  try {
    const { columns, source } = positionsOf(carrier, "rebalance");
    return { source, columns };
  } catch (error) {
    if (error instanceof DomainError) return error.violations;
    throw error;
  }
}

/** What the readers leave empty on purpose. */
function clear(carrier: PositionCarrier): void {
  carrier.positions = [];
  if ("positionTable" in carrier) delete carrier.positionTable;
}

/** One field, written. */
export type Part = (writer: BinaryWriter) => void;

/** A message written field by field: the encodings a library would never choose. */
export function fields(...parts: readonly Part[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const part of parts) part(writer);
  return writer.finish();
}

export const text = (no: number, value: string) => (writer: BinaryWriter) => {
  writer.tag(no, WireType.LengthDelimited).string(value);
};
export const bytes = (no: number, value: Uint8Array) => (writer: BinaryWriter) => {
  writer.tag(no, WireType.LengthDelimited).bytes(value);
};
export const double = (no: number, value: number) => (writer: BinaryWriter) => {
  writer.tag(no, WireType.Bit64).double(value);
};
export const varint = (no: number, value: number) => (writer: BinaryWriter) => {
  writer.tag(no, WireType.Varint).uint32(value);
};
export const fixed32 = (no: number, value: number) => (writer: BinaryWriter) => {
  writer.tag(no, WireType.Bit32).fixed32(value);
};
export const group = (no: number, value: Uint8Array) => (writer: BinaryWriter) => {
  writer.tag(no, WireType.StartGroup).raw(value).tag(no, WireType.EndGroup);
};
export const raw = (value: Uint8Array) => (writer: BinaryWriter) => {
  writer.raw(value);
};
