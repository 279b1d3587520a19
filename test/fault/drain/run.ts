/** `npm run drains -- [--drains 100]`: rolling restarts of three servers on one Redis, under load. */
import { parseArgs } from "node:util";
import { redisUrl } from "../../support/redis.ts";
import { rollDrains, rollingFaults } from "./rolling.ts";

const { values } = parseArgs({ options: { drains: { type: "string", default: "100" } } });
const result = await rollDrains({
  redisUrl: redisUrl(),
  book: `drains-${process.pid}`,
  drains: Number(values.drains),
  servers: 3,
  callers: 8,
});
const { drains, acknowledged, repeated, failures, feedFaults, resumes, exits } = result;
console.log(
  `drains=${drains} acknowledged=${acknowledged} repeated=${repeated} failed=${failures.length} ` +
    `feed_faults=${feedFaults.length} resumes=${resumes} exits_0=${exits.filter((exit) => exit === 0).length}/${exits.length}`,
);
const faults = rollingFaults(result);
for (const fault of faults.slice(0, 20)) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
