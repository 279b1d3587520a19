/**
 * The tables of docs/en and docs/ko reference/settings.md, written from the settings themselves: `npm run docs:tables`
 * writes them, `npm run check` fails when they are out of date.
 */
import { type SettingReference, settingsReference } from "../src/settings/describe.ts";
import { checkOrWrite, markdownTable } from "./generated-block.ts";
import { KOREAN_DESCRIPTIONS } from "./settings-korean.ts";

const code = (text: string) => `\`${text}\``;

function settingsTable(head: readonly string[], describe: (row: SettingReference) => string): string {
  const rows = settingsReference().map((row) => [
    code(row.key),
    code(row.default),
    row.allowed === "" ? "" : code(row.allowed),
    describe(row),
  ]);
  return markdownTable(head, rows);
}

function koreanDescription({ key }: SettingReference): string {
  const text = KOREAN_DESCRIPTIONS.get(key);
  if (text === undefined) throw new Error(`scripts/settings-korean.ts lacks the setting ${key}`);
  return text;
}

checkOrWrite("docs:tables", [
  {
    page: "docs/en/reference/settings.md",
    name: "settings",
    text: settingsTable(["key", "default", "allowed", "meaning"], ({ description }) => description),
  },
  {
    page: "docs/ko/reference/settings.md",
    name: "settings",
    text: settingsTable(["키", "기본값", "허용 값", "의미"], koreanDescription),
  },
]);
