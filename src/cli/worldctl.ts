#!/usr/bin/env node
/** The `worldctl` binary: a caller like any other, for people and scripts. */
import { requireSupportedNode } from "../settings/node-version.ts";
import { processIo } from "./worldctl/io.ts";
import { runWorldctl } from "./worldctl/program.ts";

requireSupportedNode();

// Ending a command from outside is ending it in order: streams are closed, and what was shown is kept.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

process.exitCode = await runWorldctl(process.argv.slice(2), processIo(stop.signal));
