import { type FieldViolation, invalidFields } from "../../domain/errors.ts";
import type { PositionColumns } from "../../domain/rebalance/types.ts";

/**
 * A `PositionTable` as it was sent: nothing says yet that its columns have one length or that every index has a
 * name; dictionaries may repeat a name or hold one that no row uses.
 */
export type TableColumns = Omit<PositionColumns, "count">;

type IndexColumn = "world" | "strategy" | "symbol" | "venue";

const DICTIONARY_OF = {
  world: "worlds",
  strategy: "strategies",
  symbol: "symbols",
  venue: "venues",
} as const satisfies Record<IndexColumn, keyof TableColumns>;

const COLUMNS = ["world", "strategy", "symbol", "venue", "qty", "mark"] as const;

/** Index 0 of the column `venue` is no venue; its names begin at 1. */
const FIRST_INDEX: Record<IndexColumn, 0 | 1> = { world: 0, strategy: 0, symbol: 0, venue: 1 };

/**
 * The columns the same positions would have as rows: dictionaries in order of first appearance, each name once,
 * none without a row. So a table and its rows cannot be told apart from here on.
 *
 * @param field path of the table in its request.
 * @throws DomainError INVALID_FIELD with `<field>.<column>` or `<field>.<column>[i]`.
 */
export function columnsFromTable(table: TableColumns, field: string): PositionColumns {
  const count = table.world.length;
  refuse(COLUMNS.flatMap((column) => lengthViolation(table, column, field)));
  const violations: FieldViolation[] = [];
  const world = renumber(table, "world", field, violations);
  const strategy = renumber(table, "strategy", field, violations);
  const symbol = renumber(table, "symbol", field, violations);
  const venue = renumber(table, "venue", field, violations);
  refuse(violations);
  return {
    count,
    worlds: world.names,
    strategies: strategy.names,
    symbols: symbol.names,
    venues: venue.names,
    world: world.index,
    strategy: strategy.index,
    symbol: symbol.index,
    venue: venue.index,
    qty: table.qty,
    mark: table.mark,
  };
}

function refuse(violations: readonly FieldViolation[]): void {
  if (violations.length > 0) throw invalidFields(violations);
}

function lengthViolation(
  table: TableColumns,
  column: (typeof COLUMNS)[number],
  field: string,
): FieldViolation[] {
  const [is, wanted] = [table[column].length, table.world.length];
  if (is === wanted) return [];
  return [
    { field: `${field}.${column}`, description: `has ${is} entries where ${field}.world has ${wanted}` },
  ];
}

interface Renumbered {
  readonly names: readonly string[];
  readonly index: Uint32Array;
}

/** Numbers the names of a column by their first row. The first index without a name goes to `violations`. */
function renumber(
  table: TableColumns,
  column: IndexColumn,
  field: string,
  violations: FieldViolation[],
): Renumbered {
  const sent = table[column];
  const dictionary = table[DICTIONARY_OF[column]];
  const first = FIRST_INDEX[column];
  const size = dictionary.length + first;
  const index = new Uint32Array(sent.length);
  const numbering: Numbering = { first, dictionary, names: [], byName: new Map() };
  // One cell per name: its new number + 1, or 0 before its first row.
  const numberOf = new Uint32Array(size);
  if (first === 1) numberOf[0] = 1;
  for (let row = 0; row < sent.length; row++) {
    const name = sent[row] as number;
    if (name >= size) {
      violations.push(
        rangeViolation(`${field}.${column}[${row}]`, name, `${field}.${DICTIONARY_OF[column]}`),
      );
      break;
    }
    let number = numberOf[name] as number;
    if (number === 0) {
      number = numberName(numbering, name);
      numberOf[name] = number;
    }
    index[row] = number - 1;
  }
  return { names: numbering.names, index };
}

interface Numbering {
  readonly first: 0 | 1;
  readonly dictionary: readonly string[];
  readonly names: string[];
  readonly byName: Map<string, number>;
}

/** New number + 1 of the name at `index`: that of its equal, if the dictionary repeats it. */
function numberName({ first, dictionary, names, byName }: Numbering, index: number): number {
  const name = dictionary[index - first] as string;
  const known = byName.get(name);
  if (known !== undefined) return known;
  names.push(name);
  const number = names.length + first;
  byName.set(name, number);
  return number;
}

function rangeViolation(field: string, index: number, dictionary: string): FieldViolation {
  return { field, description: `index ${index} has no name in ${dictionary}` };
}
