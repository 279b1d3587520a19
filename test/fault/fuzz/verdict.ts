import type { CampaignResult } from "./campaign.ts";

/** What the server may come to hold, in MiB: a message of the largest size in some calls, and their copies. */
export const MEMORY_CAP_MIB = 1024;

/**
 * Everything that must not have happened; empty is good.
 *
 * @param judgesTimes false where the machine may be busy with something else, so that a late answer proves nothing.
 */
export function faultsOf(result: CampaignResult, judgesTimes = true): string[] {
  const faults: string[] = [];
  if (result.crashed) faults.push(`the server crashed: ${result.errors}`);
  else if (result.exit !== 0) faults.push(`the server ended with ${result.exit}`);
  if (result.errors !== "") faults.push(`on standard error: ${result.errors.slice(0, 6000)}`);
  for (const line of result.unexplained.slice(0, 5)) faults.push(`unexplained: ${line.slice(0, 2000)}`);
  if (judgesTimes && result.lateAnswers > 0)
    faults.push(`${result.lateAnswers} health checks were late or failed`);
  if (result.peakMib > MEMORY_CAP_MIB) faults.push(`memory rose to ${Math.round(result.peakMib)} MiB`);
  return faults;
}

/** One line of figures, and what was sent. */
export function report(result: CampaignResult, seconds: number, seed: number): string {
  const { inputs, crashed, unexplained, slowestMs, lateAnswers, peakMib } = result;
  const kinds = [...result.sent]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`);
  return [
    `inputs=${inputs} crashes=${Number(crashed)} unexplained=${unexplained.length} late=${lateAnswers}`,
    `slowest=${Math.round(slowestMs)}ms peak=${Math.round(peakMib)}MiB seconds=${seconds.toFixed(1)} seed=${seed}`,
    `(${kinds.join(", ")})`,
  ].join(" ");
}
