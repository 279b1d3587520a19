import { UNUSUAL } from "./varint.ts";

/**
 * A dictionary that is filled from the bytes of a message: each distinct id becomes a string once, however many
 * rows repeat it.
 */
export interface Interner {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Ids in order of first appearance. */
  readonly names: string[];
  /** Where in `bytes` each id first stood. */
  readonly starts: number[];
  readonly ends: number[];
  /** Open addressing, two integers a slot, so that one look touches one cache line: hash, index + 1 (0 = free). */
  slots: Int32Array;
  mask: number;
  /** Slots that were taken by another id, over all look-ups. */
  collisions: number;
}

const FIRST_CAPACITY = 64;
/** Look-ups collide less than once on average; a request whose ids collide this much was made to. */
const COLLISIONS_PER_NAME = 32;
const COLLISIONS_FREE = 4096;
/** Starting point of the hashes: another one in every process, so that nobody can prepare ids that collide. */
const SEED = (Math.random() * 2 ** 32) | 0;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function createInterner(bytes: Buffer, view: DataView): Interner {
  return {
    bytes,
    view,
    names: [],
    starts: [],
    ends: [],
    slots: new Int32Array(FIRST_CAPACITY * 2),
    mask: FIRST_CAPACITY - 1,
    collisions: 0,
  };
}

/**
 * Index of the id that stands in bytes[start, end).
 *
 * @returns UNUSUAL where it is no UTF-8, or where ids collide as if they had been chosen to.
 */
export function intern(interner: Interner, start: number, end: number): number {
  const { view, slots, mask } = interner;
  const hash = hashOf(view, start, end);
  let slot = hash & mask;
  for (;;) {
    const taken = slots[2 * slot + 1] as number;
    if (taken === 0) return addName(interner, start, end, hash, slot);
    if (slots[2 * slot] === hash && isSame(interner, taken - 1, start, end)) return taken - 1;
    interner.collisions++;
    slot = (slot + 1) & mask;
  }
}

/** Four bytes at a step; the last step overlaps the one before where the length is no multiple of four. */
function hashOf(view: DataView, start: number, end: number): number {
  if (end - start < 4) return hashShort(view, start, end);
  let hash = SEED ^ (end - start);
  const last = end - 4;
  for (let at = start; at < last; at += 4) hash = mix(hash, view.getInt32(at, true));
  return mix(hash, view.getInt32(last, true));
}

function hashShort(view: DataView, start: number, end: number): number {
  let hash = SEED;
  for (let at = start; at < end; at++) hash = mix(hash, view.getUint8(at));
  return hash;
}

/** The shift brings what only changed high bits down to the low ones, which choose the slot. */
function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function isSame({ view, starts, ends }: Interner, index: number, start: number, end: number): boolean {
  const known = starts[index] as number;
  if ((ends[index] as number) - known !== end - start) return false;
  if (end - start < 4) return isSameShort(view, known, start, end);
  const last = end - 4;
  const shift = known - start;
  for (let at = start; at < last; at += 4) {
    if (view.getInt32(at, true) !== view.getInt32(at + shift, true)) return false;
  }
  return view.getInt32(last, true) === view.getInt32(last + shift, true);
}

function isSameShort(view: DataView, known: number, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (view.getUint8(at) !== view.getUint8(known + at - start)) return false;
  }
  return true;
}

function addName(interner: Interner, start: number, end: number, hash: number, slot: number): number {
  const { names, slots } = interner;
  const name = decodeId(interner.bytes, start, end);
  const index = names.length;
  if (name === undefined || interner.collisions > COLLISIONS_FREE + COLLISIONS_PER_NAME * index) {
    return UNUSUAL;
  }
  names.push(name);
  interner.starts.push(start);
  interner.ends.push(end);
  slots[2 * slot] = hash;
  slots[2 * slot + 1] = index + 1;
  if (names.length * 2 > interner.mask) grow(interner);
  return index;
}

/** The text of bytes[start, end), undefined where it is no UTF-8. */
export function decodeId(bytes: Buffer, start: number, end: number): string | undefined {
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) >= 0x80) return decodeUtf8(bytes.subarray(start, end));
  }
  return bytes.toString("latin1", start, end);
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function grow(interner: Interner): void {
  const old = interner.slots;
  const capacity = (interner.mask + 1) * 2;
  const mask = capacity - 1;
  const slots = new Int32Array(capacity * 2);
  for (let from = 0; from < old.length; from += 2) {
    const taken = old[from + 1] as number;
    if (taken === 0) continue;
    const hash = old[from] as number;
    let slot = hash & mask;
    while (slots[2 * slot + 1] !== 0) {
      interner.collisions++;
      slot = (slot + 1) & mask;
    }
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = taken;
  }
  interner.slots = slots;
  interner.mask = mask;
}
