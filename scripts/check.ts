/** `npm run check`: every check that needs no server. All of them run; the summary says which failed. */
import { breakingProtos } from "./checks/breaking-protos.ts";
import { type Check, commandCheck } from "./checks/check.ts";
import { docsInStep } from "./checks/docs-in-step.ts";
import { generatedCode } from "./checks/generated-code.ts";
import { links } from "./checks/links.ts";

const CHECKS: readonly Check[] = [
  commandCheck("biome", "check", "--error-on-warnings", "."),
  commandCheck("oxlint", "--deny-warnings"),
  commandCheck("tsc", "-p", "."),
  commandCheck("buf", "lint"),
  commandCheck("buf", "format", "--diff", "--exit-code", "proto"),
  breakingProtos,
  generatedCode,
  docsInStep,
  commandCheck("vitepress", "build", "docs"),
  links,
  commandCheck("node", "scripts/status-table.ts"),
  commandCheck("node", "scripts/settings-page.ts"),
  commandCheck("node", "scripts/reference-pages.ts"),
];

const summary: string[] = [];
for (const check of CHECKS) {
  console.log(`\n== ${check.title}`);
  const { passed, output } = check.run();
  if (output !== "") console.log(output);
  summary.push(`  ${passed ? "ok    " : "FAILED"} ${check.title}`);
  if (!passed) process.exitCode = 1;
}
console.log(`\n== Summary\n${summary.join("\n")}`);
