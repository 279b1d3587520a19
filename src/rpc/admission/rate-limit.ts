/** Lets each principal make so many calls per second, and as many at once. */
export interface RateLimit {
  /** Undefined lets the call in; else how long to wait for the next one, in milliseconds. */
  take(principal: string): number | undefined;
}

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A bucket of tokens per principal. Principals are those of the settings, so there are few.
 *
 * @param now monotonic, in milliseconds.
 */
export function createRateLimit(perSecond: number, now: () => number): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(principal) {
      const at = now();
      const bucket = buckets.get(principal) ?? { tokens: perSecond, at };
      buckets.set(principal, bucket);
      bucket.tokens = Math.min(perSecond, bucket.tokens + ((at - bucket.at) * perSecond) / 1000);
      bucket.at = at;
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / perSecond);
      bucket.tokens -= 1;
      return undefined;
    },
  };
}
