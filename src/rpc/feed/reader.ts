import type { Head } from "../../ports/store.ts";
import { type Chunk, type ChunkCache, chunkOf } from "./chunk.ts";
import { type Filter, isOpen, passing } from "./filter.ts";
import { bytesOf, type EventEncoder, type Frame } from "./frame.ts";
import type { FeedLimits } from "./limits.ts";
import type { Page, Pages } from "./pages.ts";
import { diverged } from "./refusals.ts";
import type { Ring } from "./ring.ts";

/** What all readers of one package share. */
export interface ReaderSources {
  readonly ring: Ring;
  readonly pages: Pages;
  readonly encoder: EventEncoder;
  /** Chunks of unfiltered readers of one package. */
  readonly chunks: ChunkCache;
  readonly limits: Pick<FeedLimits, "chunkFrames" | "chunkBytes">;
}

/** What a look at the sources gave: frames, nothing for now, or "behind": the store has to be asked first. */
export type Looked = Chunk | "nothing" | "behind";

type At = (revision: number) => Frame | undefined;

/**
 * One place in the history, moving forward over what is in memory. A class, because there are thousands: methods are
 * not made anew for each.
 */
export class Reader {
  private readonly sources: ReaderSources;
  private readonly filter: Filter | undefined;
  private at: Head;

  /** @param start the last commit the reader has already seen. */
  constructor(sources: ReaderSources, filter: Filter, start: Head) {
    this.sources = sources;
    this.filter = isOpen(filter) ? undefined : filter;
    this.at = start;
  }

  /** The last commit that was handed over or filtered out. */
  position(): Head {
    return this.at;
  }

  /**
   * Moves over what comes next, and hands over what passes.
   *
   * @param page what was just loaded for it, beginning right behind its position.
   * @throws DomainError CURSOR_DIVERGED when what comes next does not continue what was handed over.
   */
  look(page?: Page): Looked {
    const { ring } = this.sources;
    if (this.at.revision >= ring.head().revision) return "nothing";
    for (let loaded = page; ; loaded = undefined) {
      const source = this.source(loaded);
      if (source === undefined) return "behind";
      const next = source(this.at.revision + 1);
      if (next === undefined) return "nothing";
      if (next.entry.previousHash !== this.at.hash) throw diverged();
      const chunk = this.filter === undefined ? this.shared(source) : own(this.collect(source));
      if (chunk !== undefined) return chunk;
    }
  }

  /** The commits from here on, out of the ring or a page; undefined when neither has the next one. */
  private source(loaded: Page | undefined): At | undefined {
    const { ring, pages } = this.sources;
    const { revision } = this.at;
    if (revision >= ring.floor()) return ring.at;
    // What was loaded may have come too late: the ring or another's page has led the reader on meanwhile.
    return within(loaded, revision + 1) ?? within(pages.peek(revision), revision + 1);
  }

  /** Readers without filter that stand at the same place get the very same chunk. */
  private shared(source: At): Chunk | undefined {
    const { ring, chunks } = this.sources;
    const key = `${this.at.revision}-${ring.head().revision}`;
    const known = chunks.get(key);
    if (known !== undefined) {
      this.at = known.end;
      return known.chunk;
    }
    const chunk = own(this.collect(source));
    if (chunk !== undefined) chunks.set(key, { chunk, end: this.at });
    return chunk;
  }

  private collect(source: At): Uint8Array[] {
    const { encoder, limits } = this.sources;
    const frames: Uint8Array[] = [];
    let bytes = 0;
    let last: Frame | undefined;
    for (let next = this.at.revision + 1; frames.length < limits.chunkFrames; next++) {
      const frame = source(next);
      if (frame === undefined) break;
      const piece = bytesOf(frame, encoder, this.filter === undefined ? "all" : passing(this.filter, frame));
      if (piece !== undefined) {
        if (frames.length > 0 && bytes + piece.length > limits.chunkBytes) break;
        frames.push(piece);
        bytes += piece.length;
      }
      last = frame;
    }
    // A copy: a reader that stops here must not keep the whole commit alive.
    if (last !== undefined) this.at = { revision: last.entry.revision, hash: last.entry.hash };
    return frames;
  }
}

/** The commits of a page by revision, if `next` is one of them. */
function within(page: Page | undefined, next: number): At | undefined {
  const first = page?.[0]?.entry.revision;
  if (page === undefined || first === undefined) return undefined;
  return page[next - first] && ((revision) => page[revision - first]);
}

function own(frames: readonly Uint8Array[]): Chunk | undefined {
  return frames.length === 0 ? undefined : chunkOf(frames);
}
