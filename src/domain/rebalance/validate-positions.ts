import { internPairs } from "./intern.ts";
import type { PlannerRules, PositionColumns, RebalanceInput } from "./types.ts";
import { idProblem, joinPath, keyed, type Violations } from "./validate-fields.ts";

/** How positions were sent. */
export type PositionSource = "rows" | "table";

/** A column of ids with the dictionary it points into. */
interface IdColumn {
  /** Name of the field of a row, and of the table's index column. */
  readonly row: string;
  readonly table: string;
  readonly dictionary: string;
  readonly names: readonly string[];
  readonly ids: Uint32Array;
  /** Index of the first name: 1 where 0 means "none". */
  readonly base: 0 | 1;
}

function idColumns(positions: PositionColumns): IdColumn[] {
  const { worlds, strategies, symbols, venues } = positions;
  return [
    { row: "world_id", table: "world", dictionary: "worlds", names: worlds, ids: positions.world, base: 0 },
    {
      row: "strategy_id",
      table: "strategy",
      dictionary: "strategies",
      names: strategies,
      ids: positions.strategy,
      base: 0,
    },
    { row: "symbol", table: "symbol", dictionary: "symbols", names: symbols, ids: positions.symbol, base: 0 },
    { row: "venue", table: "venue", dictionary: "venues", names: venues, ids: positions.venue, base: 1 },
  ];
}

/** Adds what is wrong with the positions; returns whether their indexes can be trusted. */
export function checkPositions(
  found: Violations,
  positions: PositionColumns,
  rules: PlannerRules,
  prefix: string,
  source: PositionSource,
): boolean {
  const rows = joinPath(prefix, "positions");
  const table = joinPath(prefix, "position_table");
  const columns = idColumns(positions);
  const before = found.total;
  if (source === "table") checkShape(found, positions, columns, table);
  if (found.total > before) return false;
  for (const column of columns) checkNames(found, column, source === "table" ? table : rows, source);
  const field = (row: number, name: "qty" | "mark"): string =>
    source === "table" ? `${table}.${name}[${row}]` : `${rows}[${row}].${name}`;
  checkFigures(found, positions, rules, field, source === "table" ? table : rows);
  return true;
}

function checkShape(
  found: Violations,
  positions: PositionColumns,
  columns: readonly IdColumn[],
  table: string,
): void {
  const { count } = positions;
  const lengths = columns.map(({ table: name, ids }) => ({ name, length: ids.length }));
  lengths.push(
    { name: "qty", length: positions.qty.length },
    { name: "mark", length: positions.mark.length },
  );
  for (const { name, length } of lengths) {
    if (length !== count)
      found.add(`${table}.${name}`, `has ${length} entries where the table has ${count} rows`);
  }
  for (const { table: name, dictionary, names, ids, base } of columns) {
    const end = names.length + base;
    for (let row = 0; row < ids.length; row++) {
      if ((ids[row] as number) < end) continue;
      found.add(
        `${table}.${name}[${row}]`,
        `index ${ids[row]} is outside of ${dictionary}, which has ${names.length}`,
      );
    }
  }
}

function checkNames(found: Violations, column: IdColumn, path: string, source: PositionSource): void {
  const { names, base } = column;
  const seen = new Map<string, number>();
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const problem = base === 1 && name === "" ? undefined : idProblem(name);
    if (problem !== undefined) found.add(() => pathOfName(column, index, path, source), problem);
    if (source === "rows") continue;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    else found.add(`${path}.${column.dictionary}[${index}]`, `repeats ${column.dictionary}[${first}]`);
  }
}

/** In a table a name has a place of its own; of rows it is the first one that carries it. */
function pathOfName(column: IdColumn, index: number, path: string, source: PositionSource): string {
  if (source === "table") return `${path}.${column.dictionary}[${index}]`;
  return `${path}[${column.ids.indexOf(index + column.base)}].${column.row}`;
}

function checkFigures(
  found: Violations,
  { count, qty, mark }: PositionColumns,
  rules: PlannerRules,
  field: (row: number, name: "qty" | "mark") => string,
  all: string,
): void {
  let gross = 0;
  for (let row = 0; row < count; row++) {
    const quantity = qty[row] as number;
    const price = mark[row] as number;
    // The size of a sound row is finite, that of a row with NaN or infinity is not: one look finds both.
    const size = Math.abs(quantity * price);
    if (price > 0 && size < Infinity) {
      gross += size;
      continue;
    }
    checkFigure(found, quantity, price, rules, (name) => field(row, name));
  }
  if (gross === Infinity) found.add(all, "the notionals sum to more than a double can hold");
}

function checkFigure(
  found: Violations,
  quantity: number,
  price: number,
  rules: PlannerRules,
  field: (name: "qty" | "mark") => string,
): void {
  const sound = Number.isFinite(quantity);
  if (!sound) found.add(field("qty"), `must be finite, is ${quantity}`);
  if (!(price >= 0 && price < Infinity))
    found.add(field("mark"), `must be finite and at least 0, is ${price}`);
  else if (price === 0) {
    if (rules === "v2")
      found.add(field("mark"), "must be above 0: a position without a mark cannot be sized");
  } else if (sound) found.add(field("qty"), "qty * mark is more than a double can hold");
}

/** v2: whatever is held needs a ratio after, and a ratio in every strategy map that is given for its world. */
export function checkHoldings(
  found: Violations,
  input: RebalanceInput,
  path: (name: string) => string,
  worldAfterField: string,
): void {
  const { positions } = input;
  const sleeves = internPairs(
    positions.world,
    positions.strategy,
    positions.count,
    positions.worlds.length,
    positions.strategies.length,
  );
  const held = new Uint8Array(sleeves.size);
  for (let row = 0; row < positions.count; row++)
    if (positions.qty[row] !== 0) held[sleeves.ids[row] as number] = 1;
  const reported = new Set<string>();
  for (let sleeve = 0; sleeve < sleeves.size; sleeve++) {
    if (held[sleeve] === 0) continue;
    const row = sleeves.firstRow[sleeve] as number;
    const world = positions.worlds[positions.world[row] as number] as string;
    const strategy = positions.strategies[positions.strategy[row] as number] as string;
    if (!input.worldAfter.has(world) && !reported.has(world)) {
      reported.add(world);
      found.add(
        keyed(path(worldAfterField), world),
        "the world holds positions: 0 closes them, absence says nothing",
      );
    }
    for (const [name, ratios] of givenMaps(input, world)) {
      if (ratios.has(strategy)) continue;
      const field = keyed(`${keyed(path(name), world)}.ratios`, strategy);
      found.add(field, "the strategy holds positions: 0 closes them, absence says nothing");
    }
  }
}

function givenMaps(input: RebalanceInput, world: string): [string, ReadonlyMap<string, number>][] {
  const maps: [string, ReadonlyMap<string, number> | undefined][] = [
    ["strategy_alloc_before_total", input.strategyBefore.get(world)],
    ["strategy_alloc_after_total", input.strategyAfter.get(world)],
  ];
  return maps.flatMap(([name, ratios]) =>
    ratios === undefined ? [] : [[name, ratios] as [string, ReadonlyMap<string, number>]],
  );
}
