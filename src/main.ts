import { setTimeout as sleep } from "node:timers/promises";
import { requireSupportedNode } from "./settings/node-version.ts";

requireSupportedNode();

/**
 * Reads the settings, composes the server, listens, and stops in order on SIGTERM or SIGINT (exit 0). A second signal
 * ends the process at once, which is safe: what was acknowledged is stored. A start that fails says why and leaves
 * the exit code: 2 for settings, ports and stores that cannot be used as given, 1 for the unexpected.
 */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await serve(argv);
  } catch (error) {
    failed(error);
  }
}

async function serve(argv: readonly string[]): Promise<void> {
  const [{ compose }, { readSettings }, { needingRestart }, { createLog }] = await Promise.all([
    import("./compose.ts"),
    import("./settings/read-settings.ts"),
    import("./settings/describe.ts"),
    import("./log.ts"),
  ]);
  const settings = readSettings({ argv });
  const log = createLog(settings);
  const server = await compose(settings, log);
  const [{ address, port }, admin] = await listen(server, settings).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  // Before anybody is told that it is ready, and may want it to stop.
  rereadOnHangUp(log, () => {
    const reread = readSettings({ argv });
    server.replaceCredentials(reread);
    return needingRestart(settings, reread);
  });
  stopOnSignals(log, async (signal) => {
    server.announceDrain();
    if (signal === "SIGTERM") await sleep(noticeMs(settings.drainTimeoutMs));
    await server.stop();
  });
  endOnFault(log, server.stop, settings.drainTimeoutMs);
  log.info(
    {
      address: `${address}:${port}`,
      ...(admin && { admin: `${admin.address}:${admin.port}` }),
      store: server.opened.store.info.kind,
      book: settings.book,
    },
    "ready",
  );
}

function listen(
  server: import("./compose.ts").Server,
  settings: import("./settings/read-settings.ts").Settings,
) {
  const { host, port, adminPort } = settings;
  return Promise.all([
    server.edge.listen(host, port).catch(cannotListen("port", `${host}:${port}`)),
    server.admin?.listen(host, adminPort).catch(cannotListen("admin_port", `${host}:${adminPort}`)),
  ]);
}

/** A second server on one machine meets this first: it wants to know which of its ports to change. */
function cannotListen(setting: string, where: string): (cause: unknown) => never {
  return (cause) => {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "the port is in use" : message;
    const error = new Error(`cannot listen on ${where} (${setting}): ${why}`, { cause });
    error.name = "ListenError";
    throw error;
  };
}

/** SIGHUP reads the settings again and takes the credentials from them; everything else needs a restart. */
function rereadOnHangUp(log: import("pino").Logger, reread: () => readonly string[]): void {
  process.on("SIGHUP", () => {
    try {
      const others = reread();
      log.info("the credentials were read again");
      if (others.length > 0) log.warn({ settings: others }, "other settings changed: they need a restart");
    } catch (error) {
      log.error({ err: error }, "the settings cannot be used; the credentials stay as they were");
    }
  });
}

/**
 * How long everything is still served after the readiness is off, in milliseconds: probes come every few seconds, and
 * load balancers need to hear of it before calls are refused. With the ordinary drain timeout that is 2 s.
 */
function noticeMs(drainTimeoutMs: number): number {
  return Math.min(2_000, drainTimeoutMs * 0.08);
}

function stopOnSignals(log: import("pino").Logger, stop: (signal: NodeJS.Signals) => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
    stop(signal).then(
      () => log.info("stopped"),
      (error: unknown) => {
        log.error({ err: error }, "could not stop in order");
        process.exitCode = 1;
      },
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, onSignal);
}

/** How much longer than its drain a stop may take, in milliseconds: the store has to close too. */
const CLOSING_MS = 5_000;

/**
 * After an error that nobody caught, or a rejection that nobody handled, the process is in a state that nobody thought
 * of. It takes nothing new, ends what runs and goes, so that its supervisor starts another: exit code 1. A second such
 * error, or a stop that hangs, ends it at once.
 */
function endOnFault(log: import("pino").Logger, stop: () => Promise<void>, drainTimeoutMs: number): void {
  let ending = false;
  process.on("uncaughtException", (error, origin) => {
    log.fatal({ err: error, origin }, "an error that nobody caught; the server ends");
    if (ending) process.exit(1);
    ending = true;
    setTimeout(() => process.exit(1), drainTimeoutMs + CLOSING_MS);
    stop().then(
      () => process.exit(1),
      (failure: unknown) => {
        log.error({ err: failure }, "could not stop in order");
        process.exit(1);
      },
    );
  });
}

/** What stands on the terminal when the start failed: for settings every problem, without a stack. */
function failed(error: unknown): void {
  const known =
    error instanceof Error &&
    ["SettingsError", "DomainError", "CertificateError", "ListenError"].includes(error.name);
  console.error(known ? error.message : error);
  process.exitCode = known ? 2 : 1;
}

if (import.meta.main) await main(process.argv.slice(2));
