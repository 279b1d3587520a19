/**
 * The generated parts of docs/en and docs/ko reference/: RPCs, messages, events, errors and metrics, each from its
 * source. `npm run docs:tables` writes them, `npm run check` fails when they are out of date.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./checks/check.ts";
import { checkOrWrite, type GeneratedBlock } from "./generated-block.ts";
import { contractFiles, sentence } from "./reference/contract.ts";
import { ENGLISH, KOREAN } from "./reference/error-texts.ts";
import { errorsText } from "./reference/errors.ts";
import { layOut } from "./reference/layout.ts";
import { WORDS } from "./reference/markdown.ts";
import { alphaText, linearityText, METRIC_WORDS } from "./reference/metrics.ts";
import { servicesText, typesText } from "./reference/pages.ts";

const files = contractFiles();
const layout = layOut(files);
const ERROR_TEXTS = { en: ENGLISH, ko: KOREAN };

/** Comments of the error reasons, which both packages share. */
const reasonComments = new Map(
  files
    .flatMap((file) => file.enums)
    .filter(({ typeName }) => typeName === "worldservice.v1.ErrorReason")
    .flatMap(({ values }) => values)
    .map((value) => [value.name.replace("ERROR_REASON_", ""), sentence(value)] as const),
);

/** A recorded event, which the tests hold the server to, as a block that says which message it is. */
function example(version: "v1" | "v2", name: string): string {
  const text = readFileSync(join(ROOT, "test/contract/golden/events", version, `${name}.json`), "utf8");
  return [`\`\`\`json worldservice.${version}.Event`, text.trim(), "```"].join("\n");
}

function blocksOf(language: "en" | "ko"): readonly GeneratedBlock[] {
  const words = WORDS[language];
  const block = (name: string, text: string, page = name) => ({
    page: `docs/${language}/reference/${page}.md`,
    name,
    text,
  });
  return [
    block("rpc", servicesText(layout, words)),
    block("messages", typesText(layout.others, layout.places, words)),
    block("events", typesText(layout.events, layout.places, words)),
    block("example-v1", example("v1", "allocation-updated"), "events"),
    block("example-v2", example("v2", "rebalancing-planned.filled"), "events"),
    block("errors", errorsText(reasonComments, ERROR_TEXTS[language], words)),
    block("alpha", alphaText(METRIC_WORDS[language]), "metrics"),
    block("linearity", linearityText(METRIC_WORDS[language]), "metrics"),
  ];
}

checkOrWrite("docs:tables", [...blocksOf("en"), ...blocksOf("ko")]);
