/**
 * `npm run overload -- [--seconds 5] [--rounds 3] [--times 5] [--store memory:]`: what is done, and what is refused,
 * when far more is asked for than can be done. Peak and overload take turns; where there are two processors the server
 * has one and its callers the other.
 */
import { parseArgs } from "node:util";
import { runOverload } from "./overload.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    times: { type: "string", default: "5" },
    store: { type: "string", default: "memory:" },
  },
});
const result = await runOverload({
  partMs: Number(values.seconds) * 1000,
  rounds: Number(values.rounds),
  times: Number(values.times),
  store: values.store,
});
const { peakPerSecond, offeredPerSecond, goodputPerSecond, refused, withoutDelay, others } = result;
const share = (part: number) => `${((100 * part) / peakPerSecond).toFixed(0)} % of peak`;
console.log(
  [
    `peak=${peakPerSecond.toFixed(0)}/s`,
    `offered=${offeredPerSecond.toFixed(0)}/s (${share(offeredPerSecond)})`,
    `goodput=${goodputPerSecond.toFixed(0)}/s (${share(goodputPerSecond)})`,
    `refused=${refused} without_delay=${withoutDelay} turned_away=${result.turnedAway} others=${others.length}`,
    `freezes=${result.freezes} freeze_p50=${result.freezeP50Ms.toFixed(1)}ms freeze_p99=${result.freezeP99Ms.toFixed(1)}ms`,
    `own_lag_p99=${result.ownLagP99Ms.toFixed(1)}ms pinned=${result.pinned}`,
  ].join(" "),
);
for (const other of new Set(others)) console.error(other);
process.exitCode = others.length + withoutDelay === 0 ? 0 : 1;
