/** Rules for names, and the one order in which lists made from maps are given. */

/** Carries 0xd800, the first surrogate, to 0x10000: just above the last unit that stands for itself. */
const SURROGATE_FIX = 0x2800;

/** Lifts surrogates above the rest of the plane, so that comparing code units compares code points. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + SURROGATE_FIX : unit;
}

/** Compares two texts by their UTF-8 bytes (which is the order of their code points). */
export function compareUtf8(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** The map with its entries in the order of their keys' UTF-8 bytes. */
export function sortedByKey<V>(entries: Iterable<readonly [string, V]>): Map<string, V> {
  return new Map([...entries].sort(([a], [b]) => compareUtf8(a, b)));
}
