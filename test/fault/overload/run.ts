/**
 * `npm run overload -- [--seconds 10] [--times 5] [--store memory:]`: what is done, and what is refused, when far more
 * is asked for than can be done. Callers and server share the machine, so the figures are those of both.
 */
import { parseArgs } from "node:util";
import { runOverload } from "./overload.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    times: { type: "string", default: "5" },
    store: { type: "string", default: "memory:" },
  },
});
const result = await runOverload({
  partMs: Number(values.seconds) * 1000,
  times: Number(values.times),
  store: values.store,
});
const {
  peakPerSecond,
  offeredPerSecond,
  goodputPerSecond,
  refused,
  turnedAway,
  others,
  freezeP99Ms,
  freezes,
} = result;
console.log(
  `peak=${peakPerSecond.toFixed(0)}/s offered=${offeredPerSecond.toFixed(0)}/s goodput=${goodputPerSecond.toFixed(0)}/s ` +
    `(${((100 * goodputPerSecond) / peakPerSecond).toFixed(0)} % of peak) refused=${refused} turned_away=${turnedAway} others=${others.length} ` +
    `freezes=${freezes} freeze_p99=${freezeP99Ms.toFixed(1)}ms`,
);
for (const other of new Set(others)) console.error(other);
process.exitCode = others.length === 0 ? 0 : 1;
