/**
 * Who may try next, within this process: one line per world, first come, first served. A ticket that wants several
 * worlds stands in all their lines from the same moment on, so no two tickets can wait for each other. Only a ticket
 * at the head of all its lines asks Redis; a process never competes with itself there.
 */
export interface WaitLines {
  join(worlds: readonly string[]): Ticket;
}

export interface Ticket {
  isFirst(): boolean;
  /** Called when the ticket may have come to the head of its lines. */
  onMove(listener: () => void): void;
  /** Leaves all lines, and moves who comes next. Repeatable. */
  leave(): void;
}

interface Entry {
  readonly worlds: readonly string[];
  moved: () => void;
}

export function waitLines(): WaitLines {
  const lines = new Map<string, Set<Entry>>();

  function first(world: string): Entry | undefined {
    return lines.get(world)?.values().next().value;
  }

  function leave(entry: Entry): void {
    const next = new Set<Entry>();
    for (const world of entry.worlds) {
      const line = lines.get(world);
      if (!line?.delete(entry)) continue;
      if (line.size === 0) lines.delete(world);
      const head = first(world);
      if (head) next.add(head);
    }
    for (const head of next) head.moved();
  }

  return {
    join(worlds) {
      const entry: Entry = { worlds, moved: () => {} };
      for (const world of worlds) {
        const line = lines.get(world);
        if (line) line.add(entry);
        else lines.set(world, new Set([entry]));
      }
      return {
        isFirst: () => worlds.every((world) => first(world) === entry),
        onMove(listener) {
          entry.moved = listener;
        },
        leave: () => leave(entry),
      };
    },
  };
}
