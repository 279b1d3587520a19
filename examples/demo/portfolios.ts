/** The portfolios in `examples/`, read as requests of both packages. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import {
  type RebalanceRequest as RequestV1,
  RebalanceRequestSchema as RequestV1Schema,
} from "#gen/worldservice/v1/rebalance_service_pb.ts";
import {
  type RebalanceRequest as RequestV2,
  RebalanceRequestSchema as RequestV2Schema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";

const EXAMPLES = join(import.meta.dirname, "..");

export interface Portfolio {
  readonly title: string;
  readonly v1: RequestV1;
  readonly v2: RequestV2;
  /** The same positions in another mode, where the portfolio comes with one. */
  readonly variant: RequestV2 | undefined;
  /** The positions as a spreadsheet gives them, where the portfolio comes with them. */
  readonly csv: readonly Holding[] | undefined;
}

/** One position, however it was written down. */
export interface Holding {
  readonly worldId: string;
  readonly strategyId: string;
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly qty: number;
  readonly mark: number;
}

export interface Portfolios {
  readonly sectors: Portfolio;
  readonly perpetuals: Portfolio;
  readonly balanced: Portfolio;
}

export function readPortfolios(): Portfolios {
  return {
    sectors: {
      title: "11 US sector ETFs in four worlds",
      v1: readRequest("sector-etfs/v1.json", RequestV1Schema),
      v2: readRequest("sector-etfs/v2.json", RequestV2Schema),
      variant: readRequest("sector-etfs/v2-overlay.json", RequestV2Schema),
      csv: holdingsFromCsv(read("sector-etfs/positions.csv")),
    },
    perpetuals: {
      title: "five USDT perpetuals, long and short, in three worlds",
      v1: readRequest("usdt-perpetuals/v1.json", RequestV1Schema),
      v2: readRequest("usdt-perpetuals/v2.json", RequestV2Schema),
      variant: readRequest("usdt-perpetuals/v2-hybrid.json", RequestV2Schema),
      csv: undefined,
    },
    balanced: {
      title: "60/40 in equity and bond ETFs, with an FX leg",
      v1: readRequest("balanced-60-40/v1.json", RequestV1Schema),
      v2: readRequest("balanced-60-40/v2.json", RequestV2Schema),
      variant: undefined,
      csv: undefined,
    },
  };
}

function read(path: string): string {
  return readFileSync(join(EXAMPLES, path), "utf8");
}

function readRequest<Desc extends DescMessage>(path: string, schema: Desc): MessageShape<Desc> {
  return fromJson(schema, JSON.parse(read(path)) as JsonValue);
}

/** The holdings of a request, from its rows or from the columns of its table. */
export function holdingsOf(request: RequestV1 | RequestV2): readonly Holding[] {
  const table = "positionTable" in request ? request.positionTable : undefined;
  if (table === undefined) {
    return request.positions.map(({ worldId, strategyId, symbol, venue, qty, mark }) => {
      return { worldId, strategyId, symbol, venue, qty, mark };
    });
  }
  const name = (names: readonly string[], index: number | undefined) => names[index ?? -1] ?? "";
  return table.world.map((world, row) => {
    const venue = table.venue[row] ?? 0;
    return {
      worldId: name(table.worlds, world),
      strategyId: name(table.strategies, table.strategy[row]),
      symbol: name(table.symbols, table.symbol[row]),
      venue: venue === 0 ? undefined : name(table.venues, venue - 1),
      qty: table.qty[row] ?? Number.NaN,
      mark: table.mark[row] ?? Number.NaN,
    };
  });
}

const CSV_HEADER = "world_id,strategy_id,symbol,venue,qty,mark";

/** @throws Error for another header than `world_id,strategy_id,symbol,venue,qty,mark`. */
function holdingsFromCsv(text: string): readonly Holding[] {
  const [header, ...lines] = text.trim().split(/\r?\n/);
  if (header !== CSV_HEADER) throw new Error(`the first line must be ${CSV_HEADER}, is ${header}`);
  return lines.map((line) => {
    const [worldId = "", strategyId = "", symbol = "", venue = "", qty, mark] = line.split(",");
    return {
      worldId,
      strategyId,
      symbol,
      venue: venue === "" ? undefined : venue,
      qty: Number(qty),
      mark: Number(mark),
    };
  });
}
