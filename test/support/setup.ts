/**
 * What holds for every test: process warnings and unhandled rejections fail the run, no test leaves the process
 * changed, and the process ends by itself, so that a forgotten socket or timer is seen and not killed over.
 */
import { inspect } from "node:util";
import { nodeVersionProblem } from "../../src/settings/node-version.ts";

/** How long the process may live on after the last test, in milliseconds, before its open handles are named. */
const LINGER_MS = 10_000;

interface Incident {
  readonly during: string;
  readonly what: string;
}

const incidents: Incident[] = [];
const rejected = new WeakSet<Promise<unknown>>();
let current = "before the first test";

function note(what: string): void {
  incidents.push({ during: current, what });
}

process.on("warning", (warning) => note(warning.stack ?? String(warning)));
process.on("unhandledRejection", (reason, promise) => {
  // Mocha listens too, and emits what it hears once more.
  if (!rejected.has(promise)) note(`unhandled rejection: ${inspect(reason)}`);
  rejected.add(promise);
});
// What arrives after the last hook can no longer fail a test, but it still fails the run.
process.on("beforeExit", () => {
  if (report() !== undefined) failRun();
});

const environment = new Map(Object.entries(process.env));
const directory = process.cwd();

/** Puts environment and directory back, so that one careless test does not make others fail, and notes the change. */
function restoreProcess(): void {
  for (const name of new Set([...environment.keys(), ...Object.keys(process.env)])) {
    const before = environment.get(name);
    if (process.env[name] === before) continue;
    note(`left the variable ${name} changed`);
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
  if (process.cwd() === directory) return;
  note("left the working directory changed");
  process.chdir(directory);
}

/** All incidents so far, forgotten once told. */
function report(): string | undefined {
  if (incidents.length === 0) return undefined;
  const text = incidents.map(({ during, what }) => `${during}: ${what}`).join("\n");
  incidents.length = 0;
  console.error(`\nThe run is not clean:\n${text}`);
  return text;
}

export const mochaHooks = {
  beforeAll() {
    const problem = nodeVersionProblem(process.versions.node);
    if (problem !== undefined) throw new Error(problem);
  },

  beforeEach(this: Mocha.Context) {
    current = this.currentTest?.fullTitle() ?? current;
  },

  afterEach() {
    restoreProcess();
  },

  async afterAll() {
    // Warnings and rejections are told on a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    setTimeout(nameOpenHandles, LINGER_MS).unref();
    const text = report();
    if (text !== undefined) throw new Error(text);
  },
};

/** Runs only if something keeps the process alive: the timer itself does not. */
function nameOpenHandles(): void {
  console.error(
    `The tests are over, but the process lives on: ${process.getActiveResourcesInfo().join(", ")}`,
  );
  failRun();
  process.exit();
}

/** Mocha sets the exit code in a listener of its own, added after the last test: this one must come after it. */
function failRun(): void {
  process.on("exit", () => {
    process.exitCode = 1;
  });
}
