import { hash } from "node:crypto";
import { DomainError } from "../../domain/errors.ts";

/** A point of a history: right behind the commit `revision` of the store `storeId`. `hash` covers all before it. */
export interface Cursor {
  readonly storeId: string;
  /** 0 = before the first commit. */
  readonly revision: number;
  /** Chain hash of that commit, "" for revision 0. */
  readonly hash: string;
}

/** The first byte of every cursor, so that later forms can be told apart. */
const FORM = 1;
const CHECK_BYTES = 4;
const HASH_BYTES = 20;
/** form, revision, length of the chain hash, chain hash; then the store id, then the check bytes. */
const FIXED_BYTES = 1 + 8 + 1 + HASH_BYTES;

/**
 * The text of a cursor. Opaque to callers; the check bytes tell a cut or mistyped cursor from one of another history.
 * Nothing protects it against forgery but the chain hash inside, which the store compares.
 */
export function encodeCursor({ storeId, revision, hash: chain }: Cursor): string {
  const bytes = Buffer.alloc(FIXED_BYTES + Buffer.byteLength(storeId) + CHECK_BYTES);
  bytes.writeUInt8(FORM, 0);
  bytes.writeBigUInt64BE(BigInt(revision), 1);
  bytes.writeUInt8(bytes.write(chain, 10, HASH_BYTES, "hex"), 9);
  bytes.write(storeId, FIXED_BYTES);
  checkOf(bytes).copy(bytes, bytes.length - CHECK_BYTES);
  return bytes.toString("base64url");
}

/**
 * @throws DomainError CURSOR_INVALID for a text that this service never gave out.
 */
export function decodeCursor(text: string): Cursor {
  const bytes = Buffer.from(text, "base64url");
  if (!isIntact(bytes, text)) {
    throw new DomainError("CURSOR_INVALID", "after_cursor is no cursor of this service", {
      violations: [{ field: "after_cursor", description: "is no cursor of this service" }],
    });
  }
  return {
    storeId: bytes.toString("utf8", FIXED_BYTES, bytes.length - CHECK_BYTES),
    revision: Number(bytes.readBigUInt64BE(1)),
    hash: bytes.toString("hex", 10, 10 + bytes.readUInt8(9)),
  };
}

/** `Buffer.from` skips what is no base64url, so the text must also be the one the bytes would give. */
function isIntact(bytes: Buffer, text: string): boolean {
  return (
    bytes.length > FIXED_BYTES + CHECK_BYTES &&
    bytes[0] === FORM &&
    bytes.subarray(-CHECK_BYTES).equals(checkOf(bytes)) &&
    bytes.toString("base64url") === text &&
    bytes.readBigUInt64BE(1) <= BigInt(Number.MAX_SAFE_INTEGER)
  );
}

function checkOf(bytes: Buffer): Buffer {
  return hash("sha256", bytes.subarray(0, bytes.length - CHECK_BYTES), "buffer").subarray(0, CHECK_BYTES);
}
