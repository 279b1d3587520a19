import type { OperationCounter } from "./types.ts";

/**
 * Rows sorted into groups. Groups are numbered 0, 1, 2 … in order of their first row, which is the order every
 * list of a plan keeps.
 */
export interface Interned {
  /** Group of each row. */
  readonly ids: Uint32Array;
  readonly size: number;
  /** First row of each group; entries from `size` on mean nothing. */
  readonly firstRow: Uint32Array;
}

/** Cells of a direct table per row: past that, a table would cost more than the rows it serves. */
const CELLS_PER_ROW = 16;
const SMALL_TABLE = 4096;

/**
 * Groups rows by the pair (left, right): through a direct table where one of that size is in proportion to the
 * rows, else through a hash table. Either way cost grows with the rows alone.
 *
 * @param leftSize every value of `left` is below this, likewise `rightSize`.
 */
export function internPairs(
  left: Uint32Array,
  right: Uint32Array,
  count: number,
  leftSize: number,
  rightSize: number,
  counter?: OperationCounter,
): Interned {
  const cells = leftSize * rightSize;
  if (cells <= count * CELLS_PER_ROW + SMALL_TABLE && cells < 2 ** 31) {
    if (counter !== undefined) counter.operations += count;
    return internDense(left, right, count, rightSize, cells);
  }
  return internSparse(left, right, count, counter);
}

function internDense(
  left: Uint32Array,
  right: Uint32Array,
  count: number,
  rightSize: number,
  cells: number,
): Interned {
  const table = new Int32Array(cells); // id + 1; 0 = not seen yet
  const ids = new Uint32Array(count);
  const firstRow = new Uint32Array(Math.min(count, cells));
  let size = 0;
  for (let row = 0; row < count; row++) {
    const cell = (Math.imul(left[row] as number, rightSize) + (right[row] as number)) | 0;
    let id = table[cell] as number;
    if (id === 0) {
      firstRow[size++] = row;
      id = size;
      table[cell] = id;
    }
    ids[row] = id - 1;
  }
  return { ids, size, firstRow };
}

/** A slot is four integers, so that looking at one touches one cache line: left, right, id + 1, unused. */
const SLOT = 4;
/** At half load this long a run of taken slots means that keys were chosen to collide: mix them differently. */
const MAX_PROBES = 64;
const MIXERS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1, 0xcc9e2d51] as const;

interface PairTable {
  slots: Int32Array;
  mask: number;
  size: number;
  /** Which multiplier mixes the keys: it changes when keys collide on purpose. */
  mixer: number;
  probes: number;
}

function internSparse(
  left: Uint32Array,
  right: Uint32Array,
  count: number,
  counter: OperationCounter | undefined,
): Interned {
  const table: PairTable = { slots: new Int32Array(256 * SLOT), mask: 255, size: 0, mixer: 0, probes: 0 };
  const ids = new Uint32Array(count);
  const firstRow = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const before = table.size;
    const id = idOf(table, left[row] as number, right[row] as number);
    if (id === before) firstRow[id] = row;
    ids[row] = id;
  }
  if (counter !== undefined) counter.operations += count + table.probes;
  return { ids, size: table.size, firstRow };
}

/** The id of a pair; a new pair gets the next one. */
function idOf(table: PairTable, left: number, right: number): number {
  const slot = findSlot(table, left, right);
  const known = table.slots[slot + 2] as number;
  if (known !== 0) return known - 1;
  const id = table.size;
  put(table.slots, slot, left, right, id);
  table.size = id + 1;
  if (table.size * 2 > table.mask) rebuild(table, (table.mask + 1) * 2);
  return id;
}

function put(slots: Int32Array, slot: number, left: number, right: number, id: number): void {
  slots[slot] = left;
  slots[slot + 1] = right;
  slots[slot + 2] = id + 1;
}

/** Offset of the slot that holds the pair, or of the free one where it belongs. */
function findSlot(table: PairTable, left: number, right: number): number {
  const { slots, mask } = table;
  const wantLeft = left | 0;
  const wantRight = right | 0;
  let index = mix(wantLeft, wantRight, table.mixer) & mask;
  for (let run = 0; ; run++) {
    const slot = index * SLOT;
    const taken = slots[slot + 2] as number;
    if (taken === 0 || (slots[slot] === wantLeft && slots[slot + 1] === wantRight)) {
      table.probes += run;
      return slot;
    }
    if (run === MAX_PROBES && table.mixer < MIXERS.length - 1) {
      table.probes += run;
      table.mixer++;
      rebuild(table, mask + 1);
      return findSlot(table, left, right);
    }
    index = (index + 1) & mask;
  }
}

function mix(left: number, right: number, mixer: number): number {
  const factor = MIXERS[mixer] as number;
  let hash = Math.imul(left ^ (left >>> 15), factor) ^ Math.imul(right + factor, 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 15), factor);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function rebuild(table: PairTable, capacity: number): void {
  const old = table.slots;
  const mask = capacity - 1;
  const slots = new Int32Array(capacity * SLOT);
  for (let slot = 0; slot < old.length; slot += SLOT) {
    const taken = old[slot + 2] as number;
    if (taken === 0) continue;
    const left = old[slot] as number;
    const right = old[slot + 1] as number;
    let index = mix(left, right, table.mixer) & mask;
    while (slots[index * SLOT + 2] !== 0) {
      index = (index + 1) & mask;
      table.probes++;
    }
    put(slots, index * SLOT, left, right, taken - 1);
  }
  table.probes += old.length / SLOT;
  table.slots = slots;
  table.mask = mask;
}
