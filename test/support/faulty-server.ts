/**
 * The real server in a process that can be made to die, stand still or wait at named points. For tests only: nothing
 * of the kind exists in `src`, where the stage observer and the ports are the seams this uses. Started by the fault
 * suites with an IPC channel; modules are loaded first, so that a spare process can take over at once.
 */
import { flushCompileCache } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { openRedisStore } from "../../src/adapters/redis/index.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/index.ts";
import { compose } from "../../src/compose.ts";
import type { OpenedStore } from "../../src/ports/opened-store.ts";
import { readSettings, type Settings } from "../../src/settings/read-settings.ts";
import type { Fault, FaultPoint, FromServer, StartOptions, ToServer } from "./faults.ts";
import { withEarlyContext, withoutGuard } from "./guards.ts";

let armed: { readonly fault: Fault; left: number } | undefined;
let goOn: () => void = () => {};

/** Passes a point: lets the call through, or does what was armed. */
async function pass(point: FaultPoint): Promise<void> {
  if (armed?.fault.point !== point || armed.left-- > 0) return;
  const { action } = armed.fault;
  armed = undefined;
  if (action === "kill") process.kill(process.pid, "SIGKILL");
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await tell({ reached: point });
  if (action === "hold") return held;
  process.kill(process.pid, "SIGSTOP");
}

function tell(message: FromServer): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

/** The commit with points around it: before it leaves, on its way, and answered. */
function withCommitPoints(opened: OpenedStore): OpenedStore {
  const { store } = opened;
  return {
    ...opened,
    store: {
      ...store,
      info: store.info,
      async commit(request) {
        await pass("commit:send");
        const outcome = store.commit(request);
        outcome.catch(() => {}); // is waited for below, unless the process stands still
        await turn();
        await pass("commit:sent");
        const known = await outcome;
        await pass("commit:acked");
        return known;
      },
    },
  };
}

async function openStore({ store, book, lockTtlMs, ...settings }: Settings): Promise<OpenedStore> {
  if (store.kind !== "redis") {
    return openSqliteStore({ path: store.kind === "memory" ? ":memory:" : store.path, book, lockTtlMs });
  }
  const { durability, allowDegradedDurability: allowDegraded } = settings;
  return openRedisStore({ url: store.url, book, lockTtlMs, durability, allowDegraded });
}

async function start({ flags, guardOff, earlyContext }: StartOptions): Promise<void> {
  const argv = Object.entries(flags).map(([key, value]) => `--${key.replaceAll("_", "-")}=${value}`);
  const settings = readSettings({ argv, env: {} });
  const real = await openStore(settings);
  const early = earlyContext === true ? withEarlyContext(real) : real;
  const guarded = guardOff === undefined ? early : withoutGuard(early, guardOff);
  const server = await compose(settings, pino({ level: "silent" }), {
    store: withCommitPoints(guarded),
    observeStage: (stage, moment) => pass(`${stage}:${moment}` as FaultPoint),
  });
  const { port } = await server.edge.listen("127.0.0.1", 0);
  await tell({ port });
}

process.on("message", (message: ToServer) => {
  if ("arm" in message) {
    armed = { fault: message.arm, left: message.arm.skip };
    void tell({ armed: true });
  } else if ("go" in message) goOn();
  else
    start(message.start).catch(async (error: unknown) => {
      await tell({ failed: error instanceof Error ? error.message : String(error) });
      process.exit(1);
    });
});
// The harness went away: so does the server.
process.on("disconnect", () => process.exit(0));
flushCompileCache(); // this process will not end in order
await tell({ loaded: true });
