import type { StoreKind } from "../support/backing.ts";
import type { Suite } from "../support/suite.ts";
import { budgetRaces } from "./budget-races.ts";
import { changedBodies } from "./changed-bodies.ts";
import { cutReplies } from "./cut-replies.ts";
import { duplicates } from "./duplicates.ts";
import { etagRaces } from "./etag-races.ts";
import { pausedHolder } from "./paused-holder.ts";
import { randomKills } from "./random-kills.ts";
import { stageKills } from "./stage-kills.ts";
import { storeOutage } from "./store-outage.ts";
import { truncatedTails } from "./truncated-tails.ts";

/** A suite and how many rounds it plays per kill that was asked for, by store. */
export interface Share {
  readonly suite: Suite;
  readonly redis: number;
  readonly sqlite: number;
}

/** The suites that kill share the kills between them; the others play along in proportion. */
export const SHARES: readonly Share[] = [
  { suite: stageKills, redis: 0.3, sqlite: 0.2 },
  { suite: randomKills, redis: 0.3, sqlite: 0.2 },
  { suite: pausedHolder, redis: 0.08, sqlite: 0.04 },
  { suite: duplicates, redis: 0.04, sqlite: 0.04 },
  { suite: changedBodies, redis: 0.1, sqlite: 0.1 },
  { suite: cutReplies, redis: 0.16, sqlite: 0.1 },
  { suite: truncatedTails, redis: 0.1, sqlite: 0.1 },
  { suite: storeOutage, redis: 0.14, sqlite: 0 },
  { suite: etagRaces, redis: 0.1, sqlite: 0.1 },
  { suite: budgetRaces, redis: 0.06, sqlite: 0.06 },
];

/** At least one round of everything. */
export function roundsOf(share: Share, kind: StoreKind, kills: number): number {
  return Math.max(1, Math.round(share[kind] * kills));
}
