/**
 * Runs the reference Gateway beside a worldservice that is started with it: `node examples/gateway.ts`.
 *
 * The service is on the embedded store in memory, with schema version 2 switched on and the Gateway as its executor.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startGateway } from "./gateway/gateway.ts";
import { showOrder } from "./gateway/order-desk.ts";

const gateway = await startGateway("gateway", (order) => {
  console.log(`the venue fills ${showOrder(order)}`);
  return 1;
});
const flags = [
  "--store=memory:",
  "--port=0",
  "--admin-port=0",
  "--compat-rebalance-v2=true",
  "--log-format=json",
];
const service = spawn(
  process.execPath,
  [join(import.meta.dirname, "../src/main.ts"), ...flags, `--executor=grpc:${gateway.executorAddress}`],
  { stdio: ["ignore", "pipe", "inherit"] },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => service.kill("SIGTERM"));
createInterface({ input: service.stdout }).on("line", (line) => {
  const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
  if (msg !== "ready" || address === undefined) return;
  gateway.connect(address).then((url) => console.log(`worldservice on ${address}; try: curl ${url}/health`));
});
await once(service, "exit");
await gateway.close();
