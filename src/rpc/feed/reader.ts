import type { Head } from "../../ports/store.ts";
import { type Chunk, type ChunkCache, chunkOf } from "./chunk.ts";
import { type Filter, isOpen, passing } from "./filter.ts";
import { bytesOf, type EventEncoder, type Frame } from "./frame.ts";
import type { FeedLimits } from "./limits.ts";
import type { Page, Pages } from "./pages.ts";
import { diverged } from "./refusals.ts";
import type { Ring } from "./ring.ts";

/** What all readers of one process share. */
export interface ReaderSources {
  readonly ring: Ring;
  readonly pages: Pages;
  /** Chunks of unfiltered readers of one package. */
  readonly chunks: ChunkCache;
  readonly limits: Pick<FeedLimits, "chunkFrames" | "chunkBytes">;
}

/** What a look at the sources gave: frames, nothing for now, or "behind": the store has to be asked first. */
export type Looked = Chunk | "nothing" | "behind";

/** One place in the history, moving forward over what is in memory. */
export interface Reader {
  /** The last commit that was handed over or filtered out. */
  position(): Head;
  /**
   * Moves over what comes next, and hands over what passes.
   *
   * @param page what was just loaded for it, beginning right behind its position.
   * @throws DomainError CURSOR_DIVERGED when what comes next does not continue what was handed over.
   */
  look(page?: Page): Looked;
}

export interface ReaderOptions {
  readonly sources: ReaderSources;
  readonly encoder: EventEncoder;
  readonly filter: Filter;
  readonly start: Head;
}

export function createReader({ sources, encoder, filter, start }: ReaderOptions): Reader {
  const { ring, pages, chunks, limits } = sources;
  const open = isOpen(filter);
  let position = start;

  /** The commits from `position` on, out of the ring or a page; undefined when neither has the next one. */
  function source(loaded: Page | undefined): ((revision: number) => Frame | undefined) | undefined {
    if (position.revision >= ring.floor()) return ring.at;
    const page = loaded ?? pages.peek(position.revision);
    if (page === undefined) return undefined;
    const before = position.revision + 1;
    return (revision) => page[revision - before];
  }

  function collect(at: (revision: number) => Frame | undefined): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let bytes = 0;
    let last: Frame | undefined;
    for (let next = position.revision + 1; frames.length < limits.chunkFrames; next++) {
      const frame = at(next);
      if (frame === undefined) break;
      const piece = bytesOf(frame, encoder, open ? "all" : passing(filter, frame));
      if (piece !== undefined) {
        if (frames.length > 0 && bytes + piece.length > limits.chunkBytes) break;
        frames.push(piece);
        bytes += piece.length;
      }
      last = frame;
    }
    // A copy: a reader that stops here must not keep the whole commit alive.
    if (last !== undefined) position = { revision: last.entry.revision, hash: last.entry.hash };
    return frames;
  }

  /** Readers without filter that stand at the same place get the very same chunk. */
  function shared(at: (revision: number) => Frame | undefined): Chunk | undefined {
    const key = `${position.revision}-${ring.head().revision}`;
    const known = chunks.get(key);
    if (known !== undefined) {
      position = known.end;
      return known.chunk;
    }
    const frames = collect(at);
    if (frames.length === 0) return undefined;
    const chunk = chunkOf(frames);
    chunks.set(key, { chunk, end: position });
    return chunk;
  }

  return {
    position: () => position,
    look(page) {
      if (position.revision >= ring.head().revision) return "nothing";
      for (let loaded = page; ; loaded = undefined) {
        const at = source(loaded);
        if (at === undefined) return "behind";
        const next = at(position.revision + 1);
        if (next === undefined) return "nothing";
        if (next.entry.previousHash !== position.hash) throw diverged();
        const chunk = open ? shared(at) : own(collect(at));
        if (chunk !== undefined) return chunk;
      }
    },
  };
}

function own(frames: readonly Uint8Array[]): Chunk | undefined {
  return frames.length === 0 ? undefined : chunkOf(frames);
}
