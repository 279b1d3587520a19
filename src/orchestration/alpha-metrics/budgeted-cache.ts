/** Remembers values up to a total size; the ones not used for longest are forgotten first. */
export interface BudgetedCache<K, V> {
  get(key: K): V | undefined;
  /** A value larger than the whole budget is not kept at all. */
  set(key: K, value: V, size: number): void;
}

export function createBudgetedCache<K, V>(budget: number): BudgetedCache<K, V> {
  const entries = new Map<K, { readonly value: V; readonly size: number }>();
  let total = 0;
  const forget = (key: K): void => {
    total -= entries.get(key)?.size ?? 0;
    entries.delete(key);
  };
  const forgetOldest = (): void => {
    for (const key of entries.keys()) {
      if (total <= budget) return;
      forget(key);
    }
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // A map gives its keys in the order in which they were put in: the used one becomes the youngest.
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, size) {
      forget(key);
      if (size > budget) return;
      entries.set(key, { value, size });
      total += size;
      forgetOldest();
    },
  };
}
