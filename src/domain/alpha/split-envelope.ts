import type { AlphaEnvelope, MissingSeries } from "../events/types.ts";

type Figures = ReadonlyMap<string, number>;

interface Part extends AlphaEnvelope {
  readonly perWorld: Map<string, Figures>;
  readonly perStrategy: Map<string, ReadonlyMap<string, Figures>>;
  readonly missing: MissingSeries[];
}

/**
 * The figures of each world apart, in one pass: an event is about one world, and readers of one world need not be
 * allowed to see another.
 *
 * @returns a part for every world that the envelope says anything about.
 */
export function splitByWorld(envelope: AlphaEnvelope): ReadonlyMap<string, AlphaEnvelope> {
  const parts = new Map<string, Part>();
  const partOf = (worldId: string): Part => {
    const known = parts.get(worldId);
    if (known !== undefined) return known;
    const part: Part = { perWorld: new Map(), perStrategy: new Map(), missing: [] };
    parts.set(worldId, part);
    return part;
  };
  for (const [worldId, figures] of envelope.perWorld) partOf(worldId).perWorld.set(worldId, figures);
  for (const [strategyId, worlds] of envelope.perStrategy) {
    for (const [worldId, figures] of worlds) {
      partOf(worldId).perStrategy.set(strategyId, new Map([[worldId, figures]]));
    }
  }
  for (const missing of envelope.missing) partOf(missing.worldId).missing.push(missing);
  return parts;
}
