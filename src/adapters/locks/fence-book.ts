/** Where fence numbers outlive the process. */
export interface FenceShelf {
  /** The number of the newest acquisition that was saved, 0 without one. */
  load(worldId: string): number;
  save(fences: ReadonlyMap<string, number>): void;
}

export interface FenceBook {
  /** The numbers of the next acquisition of these worlds. */
  next(worlds: readonly string[]): ReadonlyMap<string, number>;
  /** A commit carried these numbers to the disk. */
  noteSaved(fences: ReadonlyMap<string, number>): void;
  /** Nobody holds this world any more: its number need not be kept in memory once it is saved. */
  setDown(worldId: string): void;
  saveAll(): void;
}

const MAX_UNSAVED_IDLE = 1_000;

interface Entry {
  fence: number;
  saved: number;
  held: boolean;
}

/**
 * Counts acquisitions per world. A number reaches the disk with the first commit made under it, not with the
 * acquisition: until then nobody outside has seen it, and after a crash its nonce is dead. So locking costs no
 * wait for the disk, and a number that was seen is never issued again.
 */
export function createFenceBook(shelf: FenceShelf): FenceBook {
  const entries = new Map<string, Entry>();
  const idle = new Set<string>();

  function next(worlds: readonly string[]): ReadonlyMap<string, number> {
    const known = worlds.map((worldId) => {
      const entry = entries.get(worldId);
      return [worldId, entry ?? { fence: shelf.load(worldId), saved: 0, held: true }] as const;
    });
    return new Map(
      known.map(([worldId, entry]) => {
        entry.fence += 1;
        entry.held = true;
        entries.set(worldId, entry);
        idle.delete(worldId);
        return [worldId, entry.fence];
      }),
    );
  }

  function noteSaved(fences: ReadonlyMap<string, number>): void {
    for (const [worldId, fence] of fences) {
      const entry = entries.get(worldId);
      if (entry === undefined) continue;
      entry.saved = Math.max(entry.saved, fence);
      if (!entry.held && entry.saved === entry.fence) forget(worldId);
    }
  }

  function forget(worldId: string): void {
    entries.delete(worldId);
    idle.delete(worldId);
  }

  function setDown(worldId: string): void {
    const entry = entries.get(worldId);
    if (entry === undefined) return;
    entry.held = false;
    if (entry.saved === entry.fence) forget(worldId);
    else idle.add(worldId);
    if (idle.size >= MAX_UNSAVED_IDLE) saveIdle();
  }

  function unsaved(worlds: Iterable<string>): ReadonlyMap<string, number> {
    const numbers = new Map<string, number>();
    for (const worldId of worlds) {
      const entry = entries.get(worldId);
      if (entry !== undefined && entry.saved !== entry.fence) numbers.set(worldId, entry.fence);
    }
    return numbers;
  }

  /** A store that cannot be written keeps the numbers in memory; the next try comes with the next release. */
  function trySave(worlds: Iterable<string>): void {
    const numbers = unsaved(worlds);
    try {
      if (numbers.size > 0) shelf.save(numbers);
      noteSaved(numbers);
    } catch {
      // Not lost: the entries stay, and no caller depends on this write.
    }
  }

  function saveIdle(): void {
    trySave([...idle]);
  }

  return { next, noteSaved, setDown, saveAll: () => trySave([...entries.keys()]) };
}
