import type * as v1Allocation from "#gen/worldservice/v1/allocation_service_pb.ts";
import type * as v1Rebalance from "#gen/worldservice/v1/rebalance_service_pb.ts";
import type * as v2Allocation from "#gen/worldservice/v2/allocation_service_pb.ts";
import type * as v2Rebalance from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { invalidFields } from "../../domain/errors.ts";
import { columnsFromRows } from "../../domain/rebalance/columns.ts";
import type { PositionColumns } from "../../domain/rebalance/types.ts";
import { columnsFromTable, type TableColumns } from "./table-columns.ts";

/** The messages that carry positions. */
export type PositionCarrier =
  | v1Rebalance.RebalanceRequest
  | v2Rebalance.RebalanceRequest
  | v1Allocation.UpsertAllocationsRequest
  | v2Allocation.UpsertAllocationsRequest;

/** Positions in the planner's shape, and which field of the request they came in. */
export interface WirePositions {
  readonly columns: PositionColumns;
  readonly source: "rows" | "table";
}

/** What a request holds of positions, as read from the wire and not yet looked at. */
export interface ReadPositions {
  /** Undefined where the request has no row. */
  readonly rows: PositionColumns | undefined;
  /** Undefined where the request has no table; a table without rows is one. */
  readonly table: TableColumns | undefined;
}

type Attached =
  | { readonly kind: "read"; readonly read: ReadPositions }
  | { readonly kind: "settled"; readonly positions: WirePositions };

/** Kept beside the messages, not in them: a message stays what its schema says. */
const attachedTo = new WeakMap<PositionCarrier, Attached>();

/** Remembers the positions of a message whose own `positions` and `position_table` were left empty. */
export function attachPositions(message: PositionCarrier, read: ReadPositions): void {
  attachedTo.set(message, { kind: "read", read });
}

/**
 * The positions of a request as columns: those that were read beside it, else those of its own fields. Ids and
 * numbers are not checked here; the columns are sound in themselves (equal lengths, every index has its name).
 *
 * @param path of the message inside its request (`rebalance`), empty for the request itself.
 * @throws DomainError INVALID_FIELD for rows and table together, columns of unequal length, an index without name.
 */
export function positionsOf(message: PositionCarrier, path = ""): WirePositions {
  const known = attachedTo.get(message);
  if (known?.kind === "settled") return known.positions;
  const positions = settle(known?.read ?? readMessage(message), path === "" ? "" : `${path}.`);
  attachedTo.set(message, { kind: "settled", positions });
  return positions;
}

function settle({ rows, table }: ReadPositions, prefix: string): WirePositions {
  if (table === undefined) return { columns: rows ?? columnsFromRows([]), source: "rows" };
  const field = `${prefix}position_table`;
  if (rows !== undefined) {
    throw invalidFields([{ field, description: `give either ${prefix}positions or ${field}, not both` }]);
  }
  return { columns: columnsFromTable(table, field), source: "table" };
}

/** A message that protobuf-es decoded (or that was made by hand) has its positions in its own fields. */
function readMessage(message: PositionCarrier): ReadPositions {
  const { positions } = message;
  const table = "positionTable" in message ? message.positionTable : undefined;
  return {
    rows: positions.length === 0 ? undefined : columnsFromRows(positions.map(toRow)),
    table: table === undefined ? undefined : toTable(table),
  };
}

function toRow({
  worldId,
  strategyId,
  symbol,
  venue,
  qty,
  mark,
}: v1Rebalance.Position | v2Rebalance.Position) {
  return { worldId, strategyId, symbol, venue, qty, mark };
}

function toTable(table: v2Rebalance.PositionTable): TableColumns {
  return {
    worlds: table.worlds,
    strategies: table.strategies,
    symbols: table.symbols,
    venues: table.venues,
    world: Uint32Array.from(table.world),
    strategy: Uint32Array.from(table.strategy),
    symbol: Uint32Array.from(table.symbol),
    venue: Uint32Array.from(table.venue),
    qty: Float64Array.from(table.qty),
    mark: Float64Array.from(table.mark),
  };
}
