/**
 * The real service with an executor that kills the process on both sides of a submission, where the run asks for it.
 *
 * argv: store path, executor port, folder
 */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { grpcExecutor } from "../../../src/adapters/executor/grpc.ts";
import { compose } from "../../../src/compose.ts";
import type { Executor } from "../../../src/ports/executor.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { faultOf } from "./faults.ts";

const [store = "", executorPort = "", folder = ""] = process.argv.slice(2);
const DEADLINE_MS = 400;

function dieOnce(runId: string): void {
  try {
    closeSync(openSync(join(folder, `struck.${runId}`), "wx"));
  } catch {
    return; // it struck in an earlier life
  }
  process.kill(process.pid, "SIGKILL");
}

function fragile(inner: Executor): Executor {
  return {
    ...inner,
    async submit(submission) {
      const fault = faultOf(submission.runId);
      if (fault === "kill-before") dieOnce(submission.runId);
      const outcome = await inner.submit(submission);
      if (fault === "kill-after") dieOnce(submission.runId);
      return outcome;
    },
  };
}

writeFileSync(join(folder, "service.pid"), String(process.pid));
const settings = readSettings({
  argv: [`--store=sqlite:${store}`, "--port=0", "--admin-port=0", "--lock-ttl=500ms", "--drain-timeout=2s"],
  env: {},
});
const executor = fragile(
  grpcExecutor({
    host: "127.0.0.1",
    port: Number(executorPort),
    tlsCa: undefined,
    submitTimeoutMs: DEADLINE_MS,
    askTimeoutMs: DEADLINE_MS,
  }),
);
const server = await compose(settings, pino({ level: "silent" }), { executor });
const { port } = await server.edge.listen("127.0.0.1", 0);
process.send?.({ port });
process.on("SIGTERM", () => void server.stop().then(() => process.exit(0)));
