import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { switchWorld } from "./activation.ts";
import { executeMove } from "./execution.ts";
import { DemoFailure, factsHeld, reasonOf } from "./facts.ts";
import { heading, paint, say } from "./output.ts";
import { readPortfolios } from "./portfolios.ts";
import { openStage } from "./stage.ts";
import { moveCapital } from "./steps/allocate.ts";
import { applyPlans } from "./steps/apply.ts";
import { showCapabilities } from "./steps/capabilities.ts";
import { compareEvents, followEvents } from "./steps/events.ts";
import { planPortfolios } from "./steps/plan.ts";
import { surviveRestarts } from "./steps/survive.ts";

/** The demo as a whole takes seconds; after this many milliseconds it is stuck. */
const WHOLE_MS = 180_000;

/** Runs every step in order, and ends the process with exit code 1 when one fails. */
export async function runDemo(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  const watchdog = setTimeout(() => fail(`it did not end within ${WHOLE_MS / 1000} s`), WHOLE_MS);
  // Stays on guard after the last step too: whatever still runs then shall not keep the process for ever.
  watchdog.unref();
  try {
    await steps(temporaryFolder());
    say(`\n${paint(["bold", "green"], `The demo is complete: ${factsHeld()} facts held.`)}`);
  } catch (error) {
    fail(messageOf(error));
  }
}

/** Ends at once: the server's process and the folder are taken along by the handlers of `exit`. */
function fail(message: string): never {
  console.error(`\n${paint("red", "The demo failed:")} ${message}`);
  process.exit(1);
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
  await showCapabilities(stage);
  await followEvents(stage);
  await planPortfolios(stage);
  await applyPlans(stage);
  const moved = await moveCapital(stage);
  await surviveRestarts(stage, moved);
  await executeMove(stage);
  await switchWorld(stage.address());
  await compareEvents(stage);
  heading("Stop");
  await stage.close();
}

function messageOf(error: unknown): string {
  if (error instanceof DemoFailure) return error.message;
  return error instanceof Error ? `${reasonOf(error)}\n${error.stack ?? ""}` : String(error);
}
