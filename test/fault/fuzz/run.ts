/**
 * `npm run fuzz -- [--inputs 50000] [--seed 1]`: hostile inputs against a real server process. Exit code 0 only when it
 * neither crashed nor met an error it cannot explain, answered throughout and kept its memory. Input n of a seed is
 * the same bytes every time.
 */
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";
import { faultsOf, report } from "./verdict.ts";

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "50000" }, seed: { type: "string", default: "1" } },
});
const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
  throw new Error("--inputs and --seed must be whole numbers, inputs from 1 on");
}
const startedAt = performance.now();
const result = await runCampaign({
  inputs,
  seed,
  onProgress: (done) => console.error(`${done} of ${inputs}`),
});
console.log(report(result, (performance.now() - startedAt) / 1000, seed));
const faults = faultsOf(result);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
