/** The ordinary reporter, which also tells the preflight what runs at the moment and for how long it may. */
import { relative } from "node:path";
import type { Progress } from "../../scripts/preflight/progress.ts";
import CountingReporter from "./reporter.ts";

const tell = (progress: Progress) => void process.send?.(progress);

/** Titles from the outside in; hooks carry the name of their suite. */
function titleOf(runnable: Mocha.Runnable): string {
  return runnable.titlePath().join(" › ");
}

export default class PreflightReporter extends CountingReporter {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    let current: Mocha.Runnable | undefined;
    const begin = (runnable: Mocha.Runnable) => {
      current = runnable;
      const limit = () => tell({ kind: "begin", title: titleOf(runnable), timeoutMs: runnable.timeout() });
      limit();
      // Many set their timeout in their first line: asked again once that has run. Where it never yields, the first
      // answer stands.
      for (const later of [100, 1_000]) setTimeout(() => current === runnable && limit(), later).unref();
    };
    const end = () => {
      current = undefined;
      tell({ kind: "between" });
    };
    runner.on("hook", begin);
    runner.on("test", begin);
    runner.on("hook end", (hook) => {
      // A test is announced before its own hooks, and goes on after them.
      const next = hook.title.startsWith('"before each"') ? hook.ctx?.currentTest : undefined;
      if (next === undefined) end();
      else begin(next);
    });
    runner.on("test end", end);
    runner.once("end", () => tell({ kind: "over" }));
    countFiles(runner);
    // The channel to the preflight is no handle that a test left open.
    process.channel?.unref();
  }
}

/** How long each file took, told once it is known. */
function countFiles(runner: Mocha.Runner): void {
  const took = new Map<string, number>();
  const begun = new Map<Mocha.Suite, number>();
  runner.on("suite", (suite) => begun.set(suite, performance.now()));
  runner.on("suite end", (suite) => {
    if (suite.parent?.root !== true || suite.file === undefined) return;
    const file = relative(process.cwd(), suite.file);
    took.set(file, (took.get(file) ?? 0) + performance.now() - (begun.get(suite) ?? 0));
  });
  runner.once("end", () => tell({ kind: "files", took: Object.fromEntries(took) }));
}
