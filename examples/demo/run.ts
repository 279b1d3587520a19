import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DemoFailure, factsHeld, reasonOf } from "./facts.ts";
import { heading, paint, say } from "./output.ts";
import { readPortfolios } from "./portfolios.ts";
import { openStage, type Stage } from "./stage.ts";
import { moveCapital } from "./steps/allocate.ts";
import { applyPlans } from "./steps/apply.ts";
import { showCapabilities } from "./steps/capabilities.ts";
import { compareEvents, followEvents } from "./steps/events.ts";
import { planPortfolios } from "./steps/plan.ts";
import { surviveRestarts } from "./steps/survive.ts";

/** The demo as a whole takes seconds; after this many milliseconds it is stuck. */
const WHOLE_MS = 180_000;

/** Runs every step in order. Gives the exit code. */
export async function runDemo(): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  const watchdog = setTimeout(() => {
    console.error(`The demo did not end within ${WHOLE_MS / 1000} s.`);
    process.exit(1);
  }, WHOLE_MS);
  try {
    await steps(temporaryFolder());
    say(`\n${paint(["bold", "green"], `The demo is complete: ${factsHeld()} facts held.`)}`);
    return 0;
  } catch (error) {
    console.error(`\n${paint("red", "The demo failed:")} ${messageOf(error)}`);
    return 1;
  } finally {
    clearTimeout(watchdog);
  }
}

/** Whatever ends this process, the folder goes with it; the server's process does in its own module. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "worldservice-demo-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function steps(folder: string): Promise<void> {
  heading("Start the server");
  const stage = await openStage(folder, readPortfolios());
  try {
    await showCapabilities(stage);
    const isFeedServed = await followEvents(stage);
    await planPortfolios(stage);
    await applyPlans(stage);
    const moved = await moveCapital(stage);
    await surviveRestarts(stage, moved);
    if (isFeedServed) await compareEvents(stage);
  } finally {
    await stop(stage);
  }
}

async function stop(stage: Stage): Promise<void> {
  heading("Stop");
  await stage.close();
}

function messageOf(error: unknown): string {
  if (error instanceof DemoFailure) return error.message;
  return error instanceof Error ? `${reasonOf(error)}\n${error.stack ?? ""}` : String(error);
}
