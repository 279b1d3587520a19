import type { StoredRunRecord } from "../../domain/runs/types.ts";
import { fromStored } from "../../domain/stored-json.ts";
import type { Store } from "../../ports/store.ts";

/** The worlds a stored run touches; undefined when there is no such run. */
export type WorldsOfRun = (runId: string) => Promise<ReadonlySet<string> | undefined>;

/** Looks runs up in the book, executions included: their record names the worlds too. */
export function worldsOfRunIn(store: Pick<Store, "read">): WorldsOfRun {
  return async (runId) => {
    const keys = (["run", "execution"] as const).map((kind) => ({ kind, scope: "", id: runId }));
    const { docs } = await store.read({ keys });
    const found = docs.filter((doc) => doc !== undefined);
    if (found.length === 0) return undefined;
    return new Set(found.flatMap(({ body }) => worldsOfRecord(fromStored<Partial<AnyRecord>>(body))));
  };
}

/** What the two kinds of record have that names worlds. */
type AnyRecord = Pick<StoredRunRecord, "input" | "mode" | "plan" | "alphaSeries"> & {
  readonly worldIds: readonly string[];
};

function worldsOfRecord({
  worldIds = [],
  input,
  mode,
  plan,
  alphaSeries = [],
}: Partial<AnyRecord>): string[] {
  return [
    ...worldIds,
    ...(input === undefined ? [] : worldsOfInput(input)),
    ...(mode === undefined || mode.kind === "scaling" ? [] : (mode.overlay?.instrumentByWorld.keys() ?? [])),
    ...(plan === undefined ? [] : plan.perWorld.map(({ worldId }) => worldId)),
    ...alphaSeries.map(({ worldId }) => worldId).filter((worldId) => worldId !== ""),
  ];
}

function worldsOfInput(input: AnyRecord["input"]): string[] {
  const { worldBefore, worldAfter, strategyBefore, strategyAfter, positions } = input;
  return [
    ...worldBefore.keys(),
    ...worldAfter.keys(),
    ...strategyBefore.keys(),
    ...strategyAfter.keys(),
    ...positions.worlds,
  ];
}
