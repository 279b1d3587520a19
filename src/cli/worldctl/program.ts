/** The whole of `worldctl`: every verb as a command, and how a run of it ends. */
import { Command, CommanderError, Option } from "commander";
import { SERVER_VERSION } from "../../version.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { failureOf } from "./failure.ts";
import { amount } from "./input.ts";
import { type Io, UsageError } from "./io.ts";
import { type CommonOptions, openSession, type Session } from "./session.ts";
import type { Verb } from "./verb.ts";
import { APPLY_VERBS } from "./verbs/apply-world.ts";
import { EXECUTION_VERBS } from "./verbs/executions.ts";
import { METRIC_VERBS } from "./verbs/metrics.ts";
import { ALLOCATION_VERBS, REBALANCE_VERBS } from "./verbs/rebalance.ts";
import { ACTIVATION_VERBS, OTHER_VERBS, POLICY_VERBS, WORLD_VERBS } from "./verbs/worlds.ts";
import { describeWatch, runWatch, WATCH_EXAMPLES } from "./watch.ts";

export const VERBS: readonly Verb[] = [
  ...REBALANCE_VERBS,
  ...ALLOCATION_VERBS,
  ...ACTIVATION_VERBS,
  ...APPLY_VERBS,
  ...EXECUTION_VERBS,
  ...METRIC_VERBS,
  ...WORLD_VERBS,
  ...POLICY_VERBS,
  ...OTHER_VERBS,
];

/** What commands with verbs below them are about. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ["runs", "look at rebalance runs"],
  ["allocations", "look at and set the shares of the book"],
  ["applies", "look at, resume and abort applies of worlds"],
  ["executions", "look at executions, and resolve those in doubt"],
  ["metrics", "compute, record and look at alpha metrics"],
  ["worlds", "look at and change the registry of worlds"],
  ["policies", "look at and change the policies of worlds"],
]);

const DEFAULT_SERVER = "127.0.0.1:50051";
const DEFAULT_TIMEOUT_S = 30;

/**
 * Runs one command line.
 *
 * @param argv without the names of Node and of the script.
 * @returns the exit code; everything else went to `io`.
 */
export async function runWorldctl(argv: readonly string[], io: Io): Promise<ExitCode> {
  const program = buildProgram(io);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (io.signal.aborted) return EXIT.other;
    const { json, server } = program.opts<CommonOptions>();
    const failure = failureOf(error, server);
    const asJson = json === true || (!io.out.isTerminal && !io.err.isTerminal && argv.includes("--json"));
    await io.err.write(`${asJson ? JSON.stringify(failure.json) : failure.text}\n`);
    return failure.exitCode;
  }
}

export function buildProgram(io: Io): Command {
  const program = new Command("worldctl")
    .description("Talks to a worldservice: plans, applies and watches how capital moves between worlds.")
    .version(SERVER_VERSION)
    .configureOutput({
      writeOut: (text) => void io.out.write(text),
      writeErr: (text) => void io.err.write(text),
      getOutHasColors: () => io.out.isTerminal && io.wantsColor,
      getErrHasColors: () => io.err.isTerminal && io.wantsColor,
    })
    .exitOverride()
    .showHelpAfterError("(--help shows how it is used)");
  for (const option of commonOptions()) program.addOption(option);
  for (const verb of VERBS) addVerb(program, verb, io);
  withExamples(describeWatch(program.command("watch")), WATCH_EXAMPLES).action(
    (worlds: string[], options: object, command: Command) =>
      inSession(command, io, (session) => runWatch(worlds, options, session)),
  );
  addCompletion(program, io);
  return withExamples(program, [
    "capabilities",
    "plan examples/sector-etfs/v1.json",
    "watch --start EARLIEST",
  ]);
}

function commonOptions(): Option[] {
  return [
    new Option("-s, --server <address>", "host:port, or a URL with https:")
      .env("WORLDCTL_SERVER")
      .default(DEFAULT_SERVER),
    new Option("--token <token>", "sent as Authorization: Bearer").env("WORLDCTL_TOKEN"),
    new Option("--tls-ca <file>", "PEM of the certificate authority to trust"),
    new Option("--tls-cert <file>", "PEM of the certificate to show, with --tls-key"),
    new Option("--tls-key <file>", "PEM of the private key of --tls-cert"),
    new Option("--insecure", "allow a token to travel in cleartext to another host"),
    new Option("--timeout <seconds>", "deadline of a call").argParser(amount).default(DEFAULT_TIMEOUT_S),
    new Option("--api <version>", "package to speak").choices(["auto", "v1", "v2"]).default("auto"),
    new Option("--json", "print proto JSON; so it does wherever output is no terminal"),
    new Option("--table", "print tables even where output is no terminal"),
  ];
}

function addVerb(program: Command, verb: Verb, io: Io): void {
  const [first = "", second = ""] = verb.usage.split(" ");
  const isGrouped = /^[a-z]/.test(second);
  const parent = isGrouped ? group(program, first) : program;
  const [name = "", ...args] = verb.usage.split(" ").slice(isGrouped ? 1 : 0);
  const command = parent
    .command([name, ...args].join(" "))
    .summary(verb.summary)
    .description(verb.summary);
  for (const option of verb.options ?? []) command.addOption(option);
  withExamples(command, verb.examples).action(() =>
    inSession(command, io, async (session) => {
      const given = { args: command.args, options: command.opts() };
      const request = await verb.request(given, session);
      const answer = await session.send(verb.methods, request, verb.check);
      await verb.after?.(answer, given, session);
    }),
  );
}

function group(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(GROUPS.get(name) ?? "");
}

function addCompletion(program: Command, io: Io): void {
  const command = program
    .command("completion <shell>")
    .description("print a completion script for bash, zsh or fish");
  const examples = [
    "completion bash > ~/.local/share/bash-completion/completions/worldctl",
    "completion fish > ~/.config/fish/completions/worldctl.fish",
  ];
  withExamples(command, examples).action(async (shell: string) => {
    const known = SHELLS.find((each): each is Shell => each === shell);
    if (known === undefined)
      throw new UsageError(`no completion for ${shell}: there are ${SHELLS.join(", ")}`);
    await io.out.write(completionScript(known, program));
  });
}

function withExamples(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  worldctl ${example}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

async function inSession(command: Command, io: Io, work: (session: Session) => Promise<void>): Promise<void> {
  const session = await openSession(command.optsWithGlobals<CommonOptions>(), io);
  try {
    await work(session);
  } finally {
    session.close();
  }
}
