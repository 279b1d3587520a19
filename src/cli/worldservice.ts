#!/usr/bin/env node
/** The `worldservice` binary: `serve` runs the server, `config` shows the settings it would run with. */
import { Command } from "commander";
import { settingsHelp } from "../settings/describe.ts";
import { requireSupportedNode } from "../settings/node-version.ts";
import { runConfig } from "./config-command.ts";

requireSupportedNode();

/** Settings flags are read by the settings factory, which reports all problems at once, not by commander. */
function withSettings(command: Command): Command {
  return command.allowUnknownOption().allowExcessArguments().addHelpText("after", `\n${settingsHelp()}`);
}

const program = new Command("worldservice").description("Control plane that moves capital between worlds.");

withSettings(program.command("serve"))
  .description("run the server")
  .action(async (_options: unknown, command: Command) => {
    const { main } = await import("../main.ts");
    await main(command.args);
  });

withSettings(program.command("config"))
  .description("print the effective settings and where each came from, secrets redacted")
  .option("--json", "print JSON instead of a table")
  .action((options: { json?: boolean }, command: Command) => {
    process.exitCode = runConfig(command.args, { json: options.json === true });
  });

await program.parseAsync();
