/** Numbers that a seed repeats. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  /** `count` different items, in the order of `items`. */
  some<T>(items: readonly T[], count: number): T[];
}

/** mulberry32: small, even, and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    pick<T>(items: readonly T[]): T {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
    some<T>(items: readonly T[], count: number): T[] {
      let wanted = count;
      return items.filter((_, i) => {
        const taken = next() * (items.length - i) < wanted;
        if (taken) wanted--;
        return taken;
      });
    },
  };
}
