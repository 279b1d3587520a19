/** Ends a test process that hangs, from outside: a timer inside it would wait for the very loop that is blocked. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "./progress.ts";

export interface Limits {
  /** Longest any test or hook may take, whatever timeout it set for itself, in milliseconds. */
  readonly testMs: number;
  /** What a test gets beyond its own timeout, in which mocha itself should have failed it, in milliseconds. */
  readonly graceMs: number;
  /** Longest the process may go on between tests, before the first and after the last one, in milliseconds. */
  readonly idleMs: number;
}

/** How long the process has to write down where it is, in milliseconds. */
const REPORT_MS = 5_000;

/**
 * Watches a process that was started with `--report-on-signal`.
 *
 * @returns resolves with the reasons why it was ended; with none, it ended by itself.
 */
export function watchOver(
  child: ChildProcess,
  reportFile: string,
  limits: Limits,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  let timer: NodeJS.Timeout | undefined;

  let [subject, begun] = ["", 0];

  /** Said again of the same subject, the limit counts from when it was said first. */
  const allow = (ms: number, what: string) => {
    clearTimeout(timer);
    if (what !== subject) [subject, begun] = [what, performance.now()];
    const left = Math.max(0, begun + ms - performance.now());
    timer = setTimeout(() => void end(`${what} took more than ${ms} ms`), left);
  };

  async function end(reason: string): Promise<void> {
    console.error(`\n${reason}: the test process is ended`);
    reasons.push(`${reason}\n${await whereItIs(child, reportFile)}`);
    child.kill("SIGKILL");
  }

  child.on("message", (message) => {
    const progress = message as Progress;
    if (progress.kind === "begin") allow(limitOf(progress.timeoutMs, limits), progress.title);
    if (progress.kind === "between") allow(limits.idleMs, "the way to the next test");
    if (progress.kind === "over") allow(limits.idleMs, "the end of the process after the last test");
  });
  allow(limits.idleMs, "the start");
  return new Promise((resolve) => {
    child.once("close", () => {
      clearTimeout(timer);
      resolve(reasons);
    });
  });
}

function limitOf(timeoutMs: number, { testMs, graceMs }: Limits): number {
  return timeoutMs === 0 ? testMs : Math.min(timeoutMs + graceMs, testMs);
}

interface Handle {
  readonly type: string;
  readonly is_active: boolean;
  readonly is_referenced: boolean;
}

/** What a waiting process waits for. A busy one cannot tell: Node answers the signal on the loop that is blocked. */
async function whereItIs(child: ChildProcess, reportFile: string): Promise<string> {
  child.kill("SIGUSR2");
  for (let waited = 0; waited < REPORT_MS; waited += 100) {
    const report = readReport(reportFile);
    if (report !== undefined) return report;
    await sleep(100);
  }
  return "    it is busy: a loop that never yields";
}

function readReport(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  if (!text.trimEnd().endsWith("}")) return undefined; // still being written
  const { libuv = [] } = JSON.parse(text) as { libuv?: readonly Handle[] };
  const open = libuv.filter(({ is_active, is_referenced }) => is_active && is_referenced);
  return `    open handles: ${open.map(({ type }) => type).join(", ") || "none"}`;
}
