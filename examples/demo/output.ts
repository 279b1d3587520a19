/** What the demo puts on the terminal: headings, tables, facts. Colour only where standard output is a terminal. */
import { styleText } from "node:util";
import Table from "cli-table3";

type Style = Parameters<typeof styleText>[0];

/** Colours `text` where standard output is a terminal that wants colour. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function heading(text: string): void {
  console.log(`\n${paint(["bold", "cyan"], `== ${text}`)}`);
}

export function say(text: string): void {
  console.log(text);
}

/** One column: its heading, and `>` for figures. */
export type Column = string | `${string}>`;

/** Prints a table with a title; nothing where there are no rows. */
export function printTable(title: string, columns: readonly Column[], rows: readonly string[][]): void {
  if (rows.length === 0) return;
  const table = new Table({
    head: columns.map((column) => paint("bold", column.replace(/>$/, ""))),
    colAligns: columns.map((column) => (column.endsWith(">") ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  console.log(`\n${title}\n${table.toString()}`);
}

/** A ratio as a percentage: 0.2425 is 24.25 %. */
export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(2)} %`;
}

/** An amount of base currency, in whole units, with its sign and thousands apart. */
export function money(amount: number): string {
  return grouped(amount.toFixed(0));
}

/** A quantity with as many decimals as it has, at most 6. */
export function quantity(units: number): string {
  return grouped(String(Number(units.toFixed(6))));
}

/** A change of a quantity: bought with `+`, sold with `-`, coloured where colour is on. */
export function change(units: number): string {
  const text = `${units > 0 ? "+" : ""}${quantity(units)}`;
  return paint(units > 0 ? "green" : "red", text);
}

function grouped(digits: string): string {
  const [whole = "", fraction] = digits.replace(/^-0$/, "0").split(".");
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? apart : `${apart}.${fraction}`;
}
