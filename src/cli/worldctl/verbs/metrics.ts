import { Option } from "commander";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { amount, names, readDocument, readInput } from "../input.ts";
import { type Verb, withoutMissing } from "../verb.ts";

export const METRIC_VERBS: readonly Verb[] = [
  {
    usage: "metrics spec",
    summary: "show the canonical definition of every figure",
    examples: ["metrics spec"],
    methods: { v1: AlphaMetricsService.method.getMetricSpec },
    request: () => ({}),
  },
  {
    usage: "metrics get",
    summary: "show the alpha metrics of the recorded series",
    options: [
      new Option("--world <a,b>", "only these worlds; repeatable").argParser(names),
      new Option("--strategy <a,b>", "only these strategies; repeatable").argParser(names),
    ],
    examples: ["metrics get --world alpha", "metrics get --world alpha --strategy trend,carry"],
    methods: { v1: AlphaMetricsService.method.getAlphaMetrics },
    request: ({ options }) => withoutMissing({ worldIds: options.world, strategyIds: options.strategy }),
  },
  {
    usage: "metrics compute <file>",
    summary: "compute the figures of one series; records nothing",
    options: [
      new Option("--risk-free-rate <rate>", "per period, 0.0001 is 0.01 %").argParser(amount),
      new Option("--transaction-cost <rate>", "taken off each period's return").argParser(amount),
    ],
    examples: ['metrics compute series.json   # {"worldId": "alpha", "returns": {"values": [0.01, -0.02]}}'],
    methods: { v1: AlphaMetricsService.method.computeAlphaMetrics },
    async request({ args, options }, { io }) {
      const document = await readDocument(args[0] ?? "-", io);
      const request = "series" in document ? document : { series: document };
      const { riskFreeRate, transactionCost } = options;
      return { ...request, ...withoutMissing({ riskFreeRate, transactionCost }) };
    },
  },
  {
    usage: "metrics record <file>",
    summary: "record return series, which later plans use",
    examples: ["metrics record returns.yaml"],
    methods: { v1: AlphaMetricsService.method.recordReturns },
    async request({ args }, { io }) {
      const input = await readInput(args[0] ?? "-", io);
      return input.kind === "positions" ? { series: [...input.positions] } : input.document;
    },
  },
];
