/**
 * `npm run chaos -- [--seed 1] [--kills 500] [--suite name] [--store redis|sqlite] [--guard-off fence|claim|etag|budget]`:
 * plays the fault suites against real server processes and prints one line for each. Exit code 0 only when every figure
 * that should be 0 is 0. The seed repeats what is done to whom; the order in which processes run stays their own.
 */
import { parseArgs } from "node:util";
import { GUARDS, type Guard } from "../support/faults.ts";
import { roundsOf, SHARES } from "./suites/index.ts";
import type { StoreKind } from "./support/backing.ts";
import { detailsOf, hasFailed, lineOf, runSuite } from "./support/suite.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    kills: { type: "string", default: "500" },
    suite: { type: "string" },
    store: { type: "string" },
    "guard-off": { type: "string" },
  },
});

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`--${name} must be a whole number from 1 on`);
  return number;
}

function guard(name: string | undefined): Guard | undefined {
  const known = GUARDS.find((each) => each === name);
  if (name !== undefined && known === undefined)
    throw new Error(`--guard-off must be one of ${GUARDS.join(", ")}`);
  return known;
}

function isWanted(name: string, kind: StoreKind): boolean {
  return (values.suite ?? name) === name && (values.store ?? kind) === kind;
}

async function main(): Promise<number> {
  const seed = wholeNumber("seed", values.seed);
  const kills = wholeNumber("kills", values.kills);
  const guardOff = guard(values["guard-off"]);
  let played = 0;
  let failed = 0;
  for (const share of SHARES) {
    for (const kind of share.suite.kinds.filter((each) => isWanted(share.suite.name, each))) {
      const rounds = roundsOf(share, kind, kills);
      const result = await runSuite(share.suite, { kind, seed, rounds, ...(guardOff ? { guardOff } : {}) });
      console.log(lineOf(result));
      played++;
      if (!hasFailed(result)) continue;
      failed++;
      console.error(detailsOf(result));
    }
  }
  if (played === 0) throw new Error(`no such suite: ${SHARES.map(({ suite }) => suite.name).join(", ")}`);
  console.log(`${played} suites, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(2);
  },
);
