/** What the crash suite and the server it crashes say to each other, over Node's IPC channel. */
import type { ApplyMoment } from "../../../src/orchestration/activation/deps.ts";

/** Where a driver is to stand still: the suite writes it into the run id, so that nothing else needs to carry it. */
export interface Halt {
  readonly stage: string;
  readonly moment: ApplyMoment["moment"];
  /** The step to SWITCHED fails, so that the apply rolls back. */
  readonly fails: boolean;
}

export type ToServer = { readonly start: Readonly<Record<string, string | number>> } | { readonly go: true };

export type FromServer =
  | { readonly loaded: true }
  | { readonly port: number }
  | { readonly failed: string }
  | { readonly halted: { readonly worldId: string; readonly runId: string } };

const SEPARATOR = "|";

export function haltingRunId({ stage, moment, fails }: Halt, name: string): string {
  return ["halt", stage, moment, fails ? "fails" : "works", name].join(SEPARATOR);
}

export function haltOf(runId: string): Halt | undefined {
  const [word, stage = "", moment, how] = runId.split(SEPARATOR);
  if (word !== "halt") return undefined;
  return { stage, moment: moment === "before" ? "before" : "after", fails: how === "fails" };
}
