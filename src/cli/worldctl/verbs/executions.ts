import { Option } from "commander";
import { ExecutionResolutionSchema, ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { choice, enumName } from "../choices.ts";
import { UsageError } from "../io.ts";
import { type Verb, withoutMissing } from "../verb.ts";
import { pageOptions, pageRequest } from "./rebalance.ts";

export const EXECUTION_VERBS: readonly Verb[] = [
  {
    usage: "executions list",
    summary: "list executions, newest first",
    options: pageOptions(),
    examples: ["executions list"],
    methods: { v1: ExecutionService.method.listExecutions },
    request: pageRequest,
  },
  {
    usage: "executions get <run-id>",
    summary: "show one execution with its orders and fills",
    examples: ["executions get 2026-01-rebalance"],
    methods: { v1: ExecutionService.method.getExecution },
    request: ({ args }) => ({ runId: args[0] ?? "" }),
  },
  {
    usage: "executions paper <run-id>",
    summary: "list the orders that the paper executor filled",
    options: pageOptions(),
    examples: ["executions paper 2026-01-rebalance"],
    methods: { v1: ExecutionService.method.listPaperOrders },
    request: (given) => ({ runId: given.args[0] ?? "", ...pageRequest(given) }),
  },
  {
    usage: "executions resolve <run-id> <order-id>",
    summary: "say what became of an order in doubt, after looking it up at the venue",
    options: [
      choice("--as <resolution>", "what became of it", ExecutionResolutionSchema),
      new Option("--reason <text>", "how you know; goes into the audit log"),
    ],
    examples: ['executions resolve 2026-01-rebalance order-1 --as NOT_EXECUTED --reason "not at the venue"'],
    methods: { v1: ExecutionService.method.resolveExecution },
    request({ args, options }) {
      if (options.as === undefined || options.reason === undefined) {
        throw new UsageError("--as and --reason are needed: this cannot be taken back");
      }
      const resolution = enumName(options.as, ExecutionResolutionSchema);
      return withoutMissing({
        runId: args[0],
        clientOrderId: args[1],
        resolution,
        reason: options.reason,
      });
    },
  },
];
