/** Tables of text. */
import { styleText } from "node:util";
import Table from "cli-table3";

export interface Column {
  readonly name: string;
  /** Figures stand at the right. */
  readonly isNumber?: boolean;
}

export interface TextTable {
  /** Empty = none. */
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

export function drawTables(tables: readonly TextTable[], color: boolean): string {
  const drawn = tables.filter(({ rows }) => rows.length > 0).map((table) => draw(table, color));
  return drawn.length === 0 ? "nothing\n" : `${drawn.join("\n\n")}\n`;
}

function draw({ title, columns, rows }: TextTable, color: boolean): string {
  const head = columns.map(({ name }) => (color ? paint("bold", name) : name));
  const table = new Table({
    head,
    colAligns: columns.map(({ isNumber }) => (isNumber === true ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(row.map((cell) => printable(cell)));
  return title === "" ? table.toString() : `${color ? paint("cyan", title) : title}\n${table.toString()}`;
}

export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { validateStream: false });
}

/** Text of others on a terminal of ours: control characters, which could move its cursor or worse, are made visible. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

/** At most twelve significant digits: enough to tell figures apart, without the noise of binary fractions. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(12)));
}
