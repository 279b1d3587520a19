import { DomainError } from "../../domain/errors.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { createFrame, type Frame } from "./frame.ts";
import type { FeedLimits } from "./limits.ts";
import { compacted, diverged } from "./refusals.ts";

/** Consecutive commits, read from the store for those whom the ring has left behind. */
export type Page = readonly Frame[];

/** Reads pages of the log: few at once, each once for all who are behind by as much, few of them kept. */
export interface Pages {
  /** The page that begins right behind `revision`, if it is at hand. */
  peek(revision: number): Page | undefined;
  /**
   * Everything behind `revision` up to the next page border; empty when the log has nothing there (yet).
   *
   * @throws DomainError CURSOR_COMPACTED with the earliest cursor; STORE_UNAVAILABLE as the log does; CURSOR_DIVERGED
   *   when the chain of commits is broken.
   */
  load(revision: number): Promise<Page>;
  /** Forgets all of them: they are of another history. */
  clear(): void;
}

type PageLimits = Pick<FeedLimits, "pageCommits" | "pageLoads" | "pagesKept" | "pageBytesKept">;

export function createPages(log: EventLog, storeId: () => string, limits: PageLimits): Pages {
  /** By the revision they begin behind; the least recently used first. */
  const kept = new Map<number, Page>();
  const loading = new Map<number, Promise<Page>>();
  const queue: (() => void)[] = [];
  let slots = limits.pageLoads;
  let history = 0;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    // A slot that is given back goes straight to the first in the queue.
    if (slots === 0) await new Promise<void>((resolve) => queue.push(resolve));
    else slots--;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) slots++;
      else next();
    }
  }

  async function read(revision: number): Promise<Page> {
    const asked = history;
    const border = limits.pageCommits - (revision % limits.pageCommits);
    const entries = await inTurn(() => log.readAfter(revision, border)).catch(explain);
    let previous = entries[0];
    for (const entry of entries.slice(1)) {
      if (entry.revision !== (previous?.revision ?? 0) + 1 || entry.previousHash !== previous?.hash)
        throw diverged();
      previous = entry;
    }
    const page = entries.map((entry) => createFrame(storeId(), entry));
    if (page.length > 0 && asked === history) keep(revision, page);
    return page;
  }

  /** The log names a revision; subscribers need a cursor. */
  async function explain(error: unknown): Promise<never> {
    const isCompacted = error instanceof DomainError && error.reason === "CURSOR_COMPACTED";
    throw isCompacted ? compacted(await log.window()) : error;
  }

  function keep(revision: number, page: Page): void {
    kept.set(revision, page);
    let bytes = 0;
    for (const each of kept.values()) bytes += weightOf(each);
    for (const [key, each] of kept) {
      if (kept.size <= limits.pagesKept && bytes <= limits.pageBytesKept) return;
      if (key === revision) return;
      kept.delete(key);
      bytes -= weightOf(each);
    }
  }

  /** Pages end at borders, and most begin there: a reader in the middle of one finds it, too. */
  function find(revision: number): Page | undefined {
    const border = revision - (revision % limits.pageCommits);
    const key = kept.has(revision) ? revision : border;
    const page = kept.get(key);
    if (page === undefined || page.length <= revision - key) return undefined;
    kept.delete(key); // to the end of the line
    kept.set(key, page);
    return key === revision ? page : page.slice(revision - key);
  }

  return {
    peek: find,
    load(revision) {
      const known = loading.get(revision);
      if (known !== undefined) return known;
      const page = read(revision).finally(() => loading.delete(revision));
      loading.set(revision, page);
      return page;
    },
    clear() {
      history++;
      kept.clear();
      loading.clear();
    },
  };
}

function weightOf(page: Page): number {
  return page.reduce((sum, frame) => sum + frame.weight, 0);
}
