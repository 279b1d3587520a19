import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { Option } from "commander";
import { AllocationService as AllocationServiceV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { RebalanceService as RebalanceServiceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationServiceV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as RebalanceServiceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { amount, type Input, ratios, readInput, texts } from "../input.ts";
import { UsageError } from "../io.ts";
import type { Session } from "../session.ts";
import { type Given, type Verb, withoutMissing } from "../verb.ts";

const RUN_ID = new Option(
  "--run-id <id>",
  "name of the run, yours to choose; the same call again is replayed",
);
const BOOK_OPTIONS = [
  new Option("--positions <file>", "positions as CSV, JSON or YAML, instead of those in the file"),
  new Option("--equity <amount>", "total equity in base currency").argParser(amount),
  new Option("--min-notional <amount>", "smallest trade in base currency").argParser(amount),
  new Option("--lot <symbol=size>", "lot size of a symbol; repeatable").argParser(ratios),
];
const SHARES_OPTIONS = [
  ...BOOK_OPTIONS,
  new Option("--before <world=ratio>", "share of the book before; repeatable").argParser(ratios),
  new Option("--after <world=ratio>", "share of the book after; repeatable").argParser(ratios),
];

const FLAG_FIELDS = [
  ["equity", "totalEquity"],
  ["minNotional", "minTradeNotional"],
  ["lot", "lotSizeBySymbol"],
  ["before", "worldAllocBefore"],
  ["after", "worldAllocAfter"],
  ["share", "worldAllocations"],
  ["etag", "etagByWorld"],
] as const;

/** The request in the file with what the flags say laid over it. */
async function bookRequest({ args, options }: Given, session: Session): Promise<JsonObject> {
  const [path] = args;
  const extra = typeof options.positions === "string" ? options.positions : undefined;
  if (path === "-" && extra === "-") throw new UsageError("standard input can be read only once");
  const main: Input | undefined = path === undefined ? undefined : await readInput(path, session.io);
  const document = main?.kind === "document" ? main.document : {};
  const positions = extra === undefined ? listOf(main) : listOf(await readInput(extra, session.io));
  const flags = FLAG_FIELDS.map(([flag, field]) => [field, options[flag]] as const);
  const request = { ...document, ...withoutMissing(Object.fromEntries(flags)) };
  if (positions === undefined) return request;
  // Rows and columns together would be refused: whoever names a file of positions wants those.
  const { positionTable: _table, position_table: _other, ...rest } = request;
  return { ...rest, positions: [...positions] };
}

function listOf(input: Input | undefined): readonly JsonValue[] | undefined {
  if (input === undefined) return undefined;
  if (input.kind === "positions") return input.positions;
  const { positions } = input.document;
  return Array.isArray(positions) ? positions : undefined;
}

/** The file may hold the rebalance alone, or the whole request with a `rebalance` in it. */
async function rebalanceRequest(given: Given, session: Session): Promise<JsonObject> {
  const { rebalance, ...rest } = await bookRequest(given, session);
  if (typeof rebalance !== "object" || rebalance === null || Array.isArray(rebalance)) {
    return { rebalance: rest };
  }
  const { runId, run_id: runIdToo, submit, ...flagged } = rest;
  const outer = withoutMissing({ runId: runId ?? runIdToo, submit });
  return { ...outer, rebalance: { ...rebalance, ...flagged } };
}

/** Left out it would be 0, which nobody means. */
function assertEquity({ rebalance }: JsonObject): void {
  const { totalEquity, total_equity: sameField } = rebalance as JsonObject;
  if (totalEquity !== undefined || sameField !== undefined) return;
  throw new UsageError("the total equity is missing: --equity <amount>, or totalEquity in the file");
}

/** A request that needs a run id, from the flag or from the file. */
function withRunId(request: JsonObject, { options }: Given): JsonObject {
  const runId = options.runId ?? request.runId ?? request.run_id;
  if (typeof runId !== "string" || runId === "") {
    throw new UsageError("a run id is needed: --run-id <id>; repeat it unchanged when an answer was lost");
  }
  const { run_id: _same, ...rest } = request;
  return { ...rest, runId };
}

export const REBALANCE_VERBS: readonly Verb[] = [
  {
    usage: "plan [file]",
    summary: "compute the trades of a rebalance; writes nothing",
    options: SHARES_OPTIONS,
    examples: [
      "plan examples/sector-etfs/v1.json",
      "plan --positions positions.csv --equity 1000000 --before alpha=0.5 --after alpha=0.4",
      "plan - < request.yaml",
    ],
    methods: { v1: RebalanceServiceV1.method.planRebalance, v2: RebalanceServiceV2.method.planRebalance },
    request: rebalanceRequest,
    check: assertEquity,
  },
  {
    usage: "apply [file]",
    summary: "fix an approved plan under a run id: recorded, audited, published",
    options: [RUN_ID, ...SHARES_OPTIONS],
    examples: ["apply examples/sector-etfs/v1.json --run-id 2026-01-rebalance"],
    methods: { v1: RebalanceServiceV1.method.applyRebalance, v2: RebalanceServiceV2.method.applyRebalance },
    request: async (given, session) => withRunId(await rebalanceRequest(given, session), given),
    check: assertEquity,
  },
  {
    usage: "execute [file]",
    summary: "shape a plan into orders, and with --submit hand them to the executor",
    options: [
      RUN_ID,
      ...SHARES_OPTIONS,
      new Option("--submit", "hand the orders to the executor; needs --run-id"),
      new Option("--per-strategy", "split the orders by strategy too"),
      new Option("--shared-account", "net the orders of worlds that share an account"),
      new Option("--allow-live", "allow orders of worlds that trade live"),
    ],
    examples: [
      "execute examples/sector-etfs/v1.json",
      "execute examples/sector-etfs/v1.json --run-id 2026-01-rebalance --submit",
    ],
    methods: {
      v1: RebalanceServiceV1.method.executeRebalance,
      v2: RebalanceServiceV2.method.executeRebalance,
    },
    async request(given, session) {
      const { runId, submit, perStrategy, sharedAccount, allowLive } = given.options;
      const request = await rebalanceRequest(given, session);
      const flags = withoutMissing({ runId, submit, perStrategy, sharedAccount, allowLive });
      return submit === true ? withRunId({ ...request, ...flags }, given) : { ...request, ...flags };
    },
    check: assertEquity,
  },
  {
    usage: "runs get <run-id>",
    summary: "show one rebalance run",
    examples: ["runs get 2026-01-rebalance"],
    methods: { v1: RebalanceServiceV1.method.getRebalanceRun, v2: RebalanceServiceV2.method.getRebalanceRun },
    request: ({ args }) => ({ runId: args[0] ?? "" }),
  },
  {
    usage: "runs list",
    summary: "list the rebalance runs, newest first",
    options: pageOptions(),
    examples: ["runs list --page-size 20"],
    methods: {
      v1: RebalanceServiceV1.method.listRebalanceRuns,
      v2: RebalanceServiceV2.method.listRebalanceRuns,
    },
    request: pageRequest,
  },
];

export const ALLOCATION_VERBS: readonly Verb[] = [
  {
    usage: "allocations get [worlds...]",
    summary: "show the shares of the book; all worlds without a name",
    examples: ["allocations get", "allocations get alpha beta"],
    methods: { v1: AllocationServiceV1.method.getAllocations, v2: AllocationServiceV2.method.getAllocations },
    request: ({ args }) => ({ worldIds: [...args] }),
  },
  {
    usage: "allocations upsert [file]",
    summary: "set shares of the book, and plan the trades that lead there, in one step",
    options: [
      RUN_ID,
      ...BOOK_OPTIONS,
      new Option("--share <world=ratio>", "share of the book from now on; repeatable").argParser(ratios),
      new Option("--etag <world=etag>", "refuse if the world's share changed since; repeatable").argParser(
        texts,
      ),
      new Option("--execute", "hand the trades to the executor too"),
    ],
    examples: ["allocations upsert --run-id opening --equity 1000000 --share alpha=0.5,beta=0.3"],
    methods: {
      v1: AllocationServiceV1.method.upsertAllocations,
      v2: AllocationServiceV2.method.upsertAllocations,
    },
    async request(given, session) {
      const request = withRunId(await bookRequest(given, session), given);
      return given.options.execute === true ? { ...request, execute: true } : request;
    },
  },
  {
    usage: "allocations run <run-id>",
    summary: "show one allocation run: request, plan, how far it came",
    examples: ["allocations run opening"],
    methods: {
      v1: AllocationServiceV1.method.getAllocationRun,
      v2: AllocationServiceV2.method.getAllocationRun,
    },
    request: ({ args }) => ({ runId: args[0] ?? "" }),
  },
];

/** The options of every list that comes in pages. */
export function pageOptions(): readonly Option[] {
  return [
    new Option("--page-size <n>", "most entries in the answer, up to 1000").argParser(amount),
    new Option("--page-token <token>", "go on where the answer before ended"),
  ];
}

export function pageRequest({ options }: Given): JsonObject {
  return withoutMissing({ pageSize: options.pageSize, pageToken: options.pageToken });
}
