import { fromBinary, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { attachPositions, type PositionCarrier, type ReadPositions } from "./positions.ts";
import { readRows } from "./read-rows.ts";
import { readTable } from "./read-table.ts";
import { type BulkFields, joinStretches, type MessageParts, splitMessage } from "./split-message.ts";
import { LENGTH_DELIMITED } from "./varint.ts";
import { isWellFormed } from "./well-formed.ts";

/** Nobody asks for fields that this server does not know, and each would be kept as an object. */
export const READ = { readUnknownFields: false } as const;

/** Where a request message keeps its positions. */
export interface BulkLayout<M extends Message> {
  readonly schema: GenMessage<M>;
  /** Number of the field (below 16) that holds the carrier; undefined where the request carries them itself. */
  readonly carrierField: number | undefined;
  /** Field numbers of `positions` (rows) and `position_table` (single) in the carrier. */
  readonly fields: BulkFields;
  readonly carrierOf: (message: M) => PositionCarrier | undefined;
}

/**
 * Decodes a request that may carry many positions: these are read straight from the bytes into columns and attached
 * to the carrier (`positionsOf` gives them), everything else is left to protobuf-es. What the readers do not take on
 * goes to protobuf-es whole, so that every input is accepted, refused and understood as `fromBinary` would.
 *
 * @throws what `fromBinary` throws.
 */
export function readBulkRequest<M extends Message>(layout: BulkLayout<M>, bytes: Uint8Array): M {
  return tryReadBulk(layout, bytes) ?? fromBinary(layout.schema, bytes, READ);
}

function tryReadBulk<M extends Message>(layout: BulkLayout<M>, bytes: Uint8Array): M | undefined {
  const split = splitLayout(layout, bytes);
  if (split === undefined) return undefined;
  const { carrier, rest } = split;
  if (carrier.rowCount === 0 && carrier.single === undefined) return undefined;
  if (!isWellFormed(layout.schema, rest, 0, rest.length)) return undefined;
  const read = readPositions(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), carrier);
  if (read === undefined) return undefined;
  const message = fromBinary(layout.schema, rest, READ);
  const target = layout.carrierOf(message);
  if (target === undefined) return undefined;
  attachPositions(target, read);
  return message;
}

interface SplitLayout {
  readonly carrier: MessageParts;
  /** The request without its positions. */
  readonly rest: Uint8Array;
}

function splitLayout(
  { carrierField, fields }: Pick<BulkLayout<Message>, "carrierField" | "fields">,
  bytes: Uint8Array,
): SplitLayout | undefined {
  if (carrierField === undefined) {
    const carrier = splitMessage(bytes, 0, bytes.length, fields);
    return carrier && { carrier, rest: joinStretches(bytes, carrier.rest) };
  }
  const request = splitMessage(bytes, 0, bytes.length, { single: carrierField });
  if (request?.single === undefined) return undefined;
  const carrier = splitMessage(bytes, ...request.single, fields);
  if (carrier === undefined) return undefined;
  const inner = joinStretches(bytes, carrier.rest);
  const head = Uint8Array.of((carrierField << 3) | LENGTH_DELIMITED, ...varint(inner.length));
  return { carrier, rest: Buffer.concat([joinStretches(bytes, request.rest), head, inner]) };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) + 0x80);
  bytes.push(left);
  return bytes;
}

function readPositions(bytes: Buffer, carrier: MessageParts): ReadPositions | undefined {
  const rows = carrier.rowCount === 0 ? undefined : readRows(bytes, carrier.rows, carrier.rowCount);
  const table = carrier.single === undefined ? undefined : readTable(bytes, ...carrier.single);
  const unread =
    (carrier.rowCount > 0 && rows === undefined) || (carrier.single !== undefined && table === undefined);
  return unread ? undefined : { rows, table };
}
