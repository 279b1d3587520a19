/** Freezes a world of its own every so often, from a process and a connection that do nothing else. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { FreezeWorldRequestSchema } from "#gen/worldservice/v1/activation_service_pb.ts";
import { openCaller } from "./caller.ts";
import type { FreezeOrder, FreezeReport } from "./messages.ts";

const FREEZE = "/worldservice.v1.ActivationService/FreezeWorld";
const PAUSE_MS = 25;

async function run({ port, ms, firstRun }: FreezeOrder): Promise<FreezeReport> {
  const caller = await openCaller(port);
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const tookMs: number[] = [];
  const failures: string[] = [];
  const until = performance.now() + ms;
  for (let n = firstRun; performance.now() < until; n++) {
    const request = { worldId: `frozen-${n}`, runId: `freeze-${n}`, reason: "overload" };
    const bytes = toBinary(FreezeWorldRequestSchema, create(FreezeWorldRequestSchema, request));
    const startedAt = performance.now();
    const { status, failure } = await caller.call(FREEZE, bytes);
    tookMs.push(performance.now() - startedAt);
    if (status !== 0) failures.push(failure ?? `status ${status}`);
    await sleep(PAUSE_MS);
  }
  lag.disable();
  await caller.close();
  return { tookMs: tookMs.toSorted((a, b) => a - b), lagP99Ms: lag.percentile(99) / 1e6, failures };
}

process.on("message", (order: FreezeOrder) => {
  run(order).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
