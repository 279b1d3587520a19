/**
 * Loaded by every Node process of a preflight, through NODE_OPTIONS: warnings of servers and tools that tests start go to
 * a file, where the preflight finds them. Plain JavaScript, since a child may run on an older Node.
 */
import { appendFileSync } from "node:fs";
import process from "node:process";

const file = process.env.PREFLIGHT_WARNINGS;

if (file !== undefined) {
  process.on("warning", (warning) => {
    const note = { program: process.argv.slice(1).join(" "), what: warning.stack ?? String(warning) };
    appendFileSync(file, `${JSON.stringify(note)}\n`);
  });
}
