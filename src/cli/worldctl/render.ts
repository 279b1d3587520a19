/** Any message as tables, led by its descriptor: single values as one table, each list and map as its own. */
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { figure, type TextTable } from "./table.ts";

/** Shows one type of message in a form of its own. */
export type Renderer = (value: JsonObject) => readonly TextTable[];

type Field = Readonly<DescField>;

/**
 * @param value the message as proto JSON, default values included.
 * @param special by type name without package (`RebalancePlan`).
 */
export function tablesOf(
  desc: DescMessage,
  value: JsonObject,
  special: ReadonlyMap<string, Renderer>,
  title = "",
): readonly TextTable[] {
  const facts: string[][] = [];
  const tables: TextTable[] = [];
  for (const field of desc.fields) {
    const content = value[field.jsonName];
    if (content === undefined || content === null) continue;
    if (isCell(field)) facts.push([label(field), cell(field, content)]);
    else tables.push(...tablesOfField(field, content, special));
  }
  const columns = [{ name: "field" }, { name: "value" }];
  const shown = facts.filter(([, text]) => text !== "");
  return shown.length === 0 ? tables : [{ title, columns, rows: shown }, ...tables];
}

function tablesOfField(
  field: Field,
  content: JsonValue,
  special: ReadonlyMap<string, Renderer>,
): readonly TextTable[] {
  const desc = field.message;
  if (field.fieldKind === "map") return [mapTable(field, asObject(content))];
  if (desc === undefined) return [];
  if (field.fieldKind === "list") return [rowsTable(label(field), desc, asList(content).map(asObject))];
  const render = special.get(desc.name);
  if (render !== undefined) return render(asObject(content));
  return tablesOf(desc, asObject(content), special, label(field));
}

function mapTable(field: Field, content: JsonObject): TextTable {
  const entries = Object.entries(content);
  if (field.message !== undefined) {
    const rows = entries.map(([key, value]) => ({ key, value: asObject(value) }));
    return rowsTable(
      label(field),
      field.message,
      rows.map(({ value }) => value),
      rows.map(({ key }) => key),
    );
  }
  const columns = [{ name: "key" }, { name: "value", isNumber: true }];
  return { title: label(field), columns, rows: entries.map(([key, value]) => [key, plain(value)]) };
}

/** A row is no place for a whole plan or request: the verb that shows the one entry shows those. In characters. */
const WIDEST_MESSAGE = 400;

/** One row per message; columns that are empty in every row, or whole documents, are left out. */
function rowsTable(
  title: string,
  desc: DescMessage,
  values: readonly JsonObject[],
  keys?: readonly string[],
): TextTable {
  const columns = desc.fields.map((field) => ({
    name: label(field),
    isNumber: isNumber(field),
    isMessage: field.fieldKind === "message",
    cells: values.map((value) => cell(field, value[field.jsonName])),
  }));
  const named =
    keys === undefined || columns.some(({ cells }) => keys.every((key, row) => cells[row] === key))
      ? columns
      : [{ name: "key", isNumber: false, isMessage: false, cells: [...keys] }, ...columns];
  const isDocument = ({ isMessage, cells }: (typeof named)[number]) =>
    isMessage && cells.some((text) => text.length > WIDEST_MESSAGE);
  const shown = named.filter((column) => column.cells.some((text) => text !== "") && !isDocument(column));
  return { title, columns: shown, rows: values.map((_, row) => shown.map(({ cells }) => cells[row] ?? "")) };
}

/** True for what fits into one cell wherever it stands. */
function isCell(field: Field): boolean {
  if (field.fieldKind === "list") return field.listKind !== "message";
  if (field.fieldKind === "map") return false;
  return field.fieldKind !== "message" || isWellKnown(field.message);
}

function isWellKnown(desc: DescMessage | undefined): boolean {
  return desc?.typeName.startsWith("google.protobuf.") === true;
}

function isNumber(field: Field): boolean {
  return (
    field.fieldKind === "scalar" && field.enum === undefined && !/string|bytes|bool/i.test(scalarName(field))
  );
}

const STRING_SCALARS: ReadonlyMap<number, string> = new Map([
  [8, "bool"],
  [9, "string"],
  [12, "bytes"],
]);

function scalarName(field: Field): string {
  return field.fieldKind === "scalar" ? (STRING_SCALARS.get(field.scalar) ?? "number") : "";
}

/** A value as text in one cell; empty for what is not there. */
export function cell(field: Field, content: JsonValue | undefined): string {
  if (content === undefined || content === null) return "";
  const name = field.enum;
  if (name !== undefined) {
    return asList(content)
      .map((each) => enumText(String(each), name.sharedPrefix ?? ""))
      .join(", ");
  }
  return plain(content);
}

/** `REBALANCE_MODE_SCALING` as `SCALING`; unspecified as nothing. */
function enumText(name: string, prefix: string): string {
  const bare = name.startsWith(prefix.toUpperCase()) ? name.slice(prefix.length) : name;
  return bare === "UNSPECIFIED" ? "" : bare;
}

function plain(content: JsonValue): string {
  if (typeof content === "number") return figure(content);
  if (Array.isArray(content)) return content.map(plain).join(", ");
  if (typeof content !== "object" || content === null) return String(content);
  return Object.entries(content)
    .map(([key, value]) => `${key}=${plain(value)}`)
    .join(", ");
}

function label({ name }: Field): string {
  return name.replaceAll("_", " ");
}

function asList(content: JsonValue): readonly JsonValue[] {
  return Array.isArray(content) ? content : [content];
}

function asObject(content: JsonValue | undefined): JsonObject {
  return typeof content === "object" && content !== null && !Array.isArray(content) ? content : {};
}
