/**
 * `; did you mean …?` with the known name that a misspelt one is closest to, or nothing when none is close.
 * All names begin with `prefix`, which does not count.
 */
export function suggestion(name: string, known: readonly string[], prefix: string): string {
  const bare = name.slice(prefix.length);
  const limit = Math.max(2, Math.floor(bare.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(bare, candidate.slice(prefix.length));
    if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { name: candidate, distance };
  }
  return best ? `; did you mean ${best.name}?` : "";
}

/** Longer names are no misspelling of ours, and the cost below is the product of the lengths. */
const MAX_LENGTH = 64;

/** Levenshtein distance: how many characters to insert, remove or replace. */
function editDistance(a: string, b: string): number {
  if (a.length > MAX_LENGTH) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
