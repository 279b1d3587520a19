/**
 * The real server in a process whose drivers stand still where the run id says, so that the suite can kill or stop it
 * exactly there. For tests only: in `src` there is an observer and nothing else.
 */
import { pino } from "pino";
import { compose } from "../../../src/compose.ts";
import type { ApplyMoment } from "../../../src/orchestration/activation/deps.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { type FromServer, haltOf, type ToServer } from "./messages.ts";

let goOn: () => void = () => {};
const released = new Promise<void>((resolve) => {
  goOn = resolve;
});

function tell(message: FromServer): void {
  process.send?.(message);
}

async function observe({ worldId, runId, stage, moment }: ApplyMoment): Promise<void> {
  const halt = haltOf(runId);
  if (halt === undefined) return;
  if (halt.stage === stage && halt.moment === moment) {
    tell({ halted: { worldId, runId } });
    await released;
  }
  if (halt.fails && stage === "SWITCHED" && moment === "before") throw new Error("injected");
}

async function start(flags: Readonly<Record<string, string | number>>): Promise<void> {
  const argv = Object.entries(flags).map(([key, value]) => `--${key.replaceAll("_", "-")}=${value}`);
  const settings = readSettings({ argv, env: {} });
  const server = await compose(settings, pino({ level: "silent" }), { observeApply: observe });
  const { port } = await server.edge.listen("127.0.0.1", 0);
  tell({ port });
}

process.on("message", (message: ToServer) => {
  if ("go" in message) return goOn();
  start(message.start).catch((error: unknown) => tell({ failed: String(error) }));
});
process.on("disconnect", () => process.exit(1)); // never outlives the suite
tell({ loaded: true });
