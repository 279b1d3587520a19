/** Positions as a spreadsheet gives them. */
import type { JsonObject } from "@bufbuild/protobuf";
import { UsageError } from "./io.ts";

const REQUIRED = ["world_id", "strategy_id", "symbol", "qty", "mark"] as const;
const KNOWN: readonly string[] = [...REQUIRED, "venue"];

/** True for text whose first line is a header of positions. */
export function looksLikeCsv(text: string): boolean {
  const columns = (text.split(/\r?\n/, 1)[0] ?? "").replace(/^\ufeff/, "").split(",");
  return columns.length > 1 && columns.every((name) => KNOWN.includes(name.trim()));
}

/**
 * @param text comma-separated with a header naming the columns, in any order; `venue` may be left out or empty = none.
 *   Quotes as in RFC 4180.
 * @returns `Position` messages in proto JSON.
 * @throws UsageError naming line and column.
 */
export function positionsFromCsv(text: string): JsonObject[] {
  const [header, ...records] = parseRecords(text.replace(/^\ufeff/, ""));
  const names = (header?.cells ?? []).map((name) => name.trim());
  const unknown = names.filter((name) => !KNOWN.includes(name));
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (unknown.length + missing.length > 0 || new Set(names).size < names.length) {
    throw new UsageError(
      `the CSV's first line must name the columns ${REQUIRED.join(", ")} and optionally venue, once each; is: ${names.join(",")}`,
    );
  }
  return records.map(({ line, cells }) => {
    if (cells.length !== names.length) {
      throw new UsageError(`CSV line ${line}: ${cells.length} values for ${names.length} columns`);
    }
    return position(new Map(names.map((name, at) => [name, cells[at] ?? ""])), line);
  });
}

function position(row: ReadonlyMap<string, string>, line: number): JsonObject {
  const text = (name: string) => row.get(name) ?? "";
  const venue = text("venue");
  return {
    worldId: text("world_id"),
    strategyId: text("strategy_id"),
    symbol: text("symbol"),
    ...(venue === "" ? {} : { venue }),
    qty: number(text("qty"), `CSV line ${line}, column qty`),
    mark: number(text("mark"), `CSV line ${line}, column mark`),
  };
}

/** A decimal number; nothing, spaces alone or anything more are refused. */
export function number(text: string, where: string): number {
  const trimmed = text.trim();
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (!Number.isFinite(value)) throw new UsageError(`${where}: not a number: ${JSON.stringify(text)}`);
  return value;
}

interface Record {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Empty lines are skipped. */
function parseRecords(text: string): Record[] {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  const records: Record[] = [];
  let line = 1;
  while (cell.lastIndex < text.length) {
    const cells: string[] = [];
    const start = line;
    for (let end = ","; end === ","; ) {
      const match = cell.exec(text);
      if (match === null)
        throw new UsageError(`CSV line ${line}: a quote is not closed or stands within a value`);
      const [whole, quoted, bare = "", found = ""] = match;
      cells.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
      line += whole.split("\n").length - 1;
      end = found;
    }
    if (cells.length > 1 || cells[0] !== "") records.push({ line: start, cells });
  }
  return records;
}
