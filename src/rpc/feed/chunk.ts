import type { Head } from "../../ports/store.ts";

/** Frames that are handed to a subscriber in one go; the same object for all who get the same. */
export interface Chunk {
  /** gRPC frames, one message each. */
  readonly frames: readonly Uint8Array[];
  /** All of them in one piece, put together once. */
  readonly joined: () => Uint8Array;
}

export function chunkOf(frames: readonly Uint8Array[]): Chunk {
  let whole: Uint8Array | undefined = frames.length === 1 ? frames[0] : undefined;
  return {
    frames,
    joined() {
      whole ??= Buffer.concat(frames);
      return whole;
    },
  };
}

/** A chunk and the commit it ends with. */
export interface Stretch {
  readonly chunk: Chunk;
  readonly end: Head;
}

/** Few chunks that many subscribers get, by where they begin and what was there. */
export interface ChunkCache {
  get(key: string): Stretch | undefined;
  set(key: string, stretch: Stretch): void;
  clear(): void;
}

/** @param size how many chunks are kept; the oldest goes first. */
export function createChunkCache(size: number): ChunkCache {
  const kept = new Map<string, Stretch>();
  return {
    get: (key) => kept.get(key),
    set(key, stretch) {
      kept.set(key, stretch);
      for (const oldest of kept.keys()) {
        if (kept.size <= size) return;
        kept.delete(oldest);
      }
    },
    clear: () => kept.clear(),
  };
}
