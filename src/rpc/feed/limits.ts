/** What a feed may hold and how patient it is. */
export interface FeedLimits {
  /** The ring of recent commits: events and bytes, whichever is reached first. */
  readonly ringEvents: number;
  readonly ringBytes: number;
  /** How long a subscriber may leave what it was handed untaken, in milliseconds. */
  readonly blockedMs: number;
  /** Commits per page that is read from the store for subscribers behind the ring. */
  readonly pageCommits: number;
  /** Pages read from the store at once, by all subscribers together. */
  readonly pageLoads: number;
  /** Pages kept for others who are behind by as much. */
  readonly pagesKept: number;
  readonly pageBytesKept: number;
  /** What is handed over in one go: frames and bytes, at least one frame. */
  readonly chunkFrames: number;
  readonly chunkBytes: number;
  /** Open subscriptions of this process. */
  readonly subscriptions: number;
  /** How long the store may be unreachable before subscribers are sent elsewhere, in milliseconds. */
  readonly storePatienceMs: number;
  /** How often this process checks that the history it follows is still the store's, in milliseconds. */
  readonly checkIntervalMs: number;
}

export const DEFAULT_FEED_LIMITS: FeedLimits = {
  ringEvents: 4_096,
  ringBytes: 16 * 1024 * 1024,
  blockedMs: 30_000,
  pageCommits: 256,
  pageLoads: 32,
  pagesKept: 32,
  pageBytesKept: 16 * 1024 * 1024,
  chunkFrames: 64,
  chunkBytes: 32 * 1024,
  subscriptions: 12_000,
  storePatienceMs: 10_000,
  checkIntervalMs: 2_000,
};
