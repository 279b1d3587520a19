import type { EventType } from "../../domain/events/types.ts";
import { type Frame, typesOf } from "./frame.ts";

/** Which events a subscriber wants; undefined = all of them. */
export interface Filter {
  readonly worlds: ReadonlySet<string> | undefined;
  readonly types: ReadonlySet<EventType> | undefined;
}

/** @param worlds, types empty = all. */
export function createFilter(worlds: readonly string[], types: readonly EventType[]): Filter {
  return {
    worlds: worlds.length === 0 ? undefined : new Set(worlds),
    types: types.length === 0 ? undefined : new Set(types),
  };
}

/** Whether every event passes. */
export function isOpen({ worlds, types }: Filter): boolean {
  return worlds === undefined && types === undefined;
}

/** Positions of the events of a commit that pass, or "all"; of a commit without events nothing passes. */
export function passing({ worlds, types }: Filter, frame: Frame): readonly number[] | "all" {
  const { events } = frame.entry;
  const kinds = types === undefined ? undefined : typesOf(frame);
  const positions: number[] = [];
  for (const [at, { worldId }] of events.entries()) {
    if (worlds !== undefined && !worlds.has(worldId)) continue;
    if (types === undefined || isWanted(types, kinds?.[at])) positions.push(at);
  }
  return positions.length === events.length && events.length > 0 ? "all" : positions;
}

function isWanted(types: ReadonlySet<EventType>, type: EventType | undefined): boolean {
  return type !== undefined && types.has(type);
}
