import { Option } from "commander";
import { ActivationService, ActivationSideSchema } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { EffectiveModeSchema } from "#gen/worldservice/v1/decision_service_pb.ts";
import { PolicyPresetSchema, PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import {
  ExecutionDomainSchema,
  WorldService,
  WorldStateSchema,
} from "#gen/worldservice/v1/world_service_pb.ts";
import { choice, enumName } from "../choices.ts";
import { amount, names, readDocument } from "../input.ts";
import { UsageError } from "../io.ts";
import { type Given, type Verb, withoutMissing } from "../verb.ts";
import { pageOptions, pageRequest } from "./rebalance.ts";

export const ETAG = new Option("--etag <etag>", "refuse if it changed since this etag was read");
export const REASON = new Option("--reason <text>", "why; goes into the audit log");

const WORLD_OPTIONS = [
  new Option("--name <text>", "name for people"),
  new Option("--description <text>", "what the world is"),
  new Option("--owner <text>", "who is responsible"),
  new Option("--labels <a,b>", "labels; replaces all").argParser(names),
  choice("--state <state>", "what may be done with it", WorldStateSchema),
  choice("--execution-domain <domain>", "where its orders go", ExecutionDomainSchema),
  new Option("--allow-live", "allow the domain LIVE"),
  new Option("--no-allow-live", "forbid the domain LIVE"),
  new Option("--circuit-breaker", "open the circuit breaker: nothing is switched or executed"),
  new Option("--no-circuit-breaker", "close the circuit breaker"),
  new Option("--ack-roster <a,b>", "subscribers that must acknowledge; replaces all").argParser(names),
];

/** Only what was given, under the names of the proto. */
function worldFields({ options }: Given) {
  const { name, description, owner, labels, allowLive, circuitBreaker, ackRoster } = options;
  return withoutMissing({
    name,
    description,
    owner,
    labels,
    state: enumName(options.state, WorldStateSchema),
    executionDomain: enumName(options.executionDomain, ExecutionDomainSchema),
    allowLive,
    circuitBreaker,
    ackRoster,
  });
}

export const WORLD_VERBS: readonly Verb[] = [
  {
    usage: "worlds list",
    summary: "list the registered worlds",
    options: [...pageOptions(), new Option("--deleted", "deleted ones too")],
    examples: ["worlds list"],
    methods: { v1: WorldService.method.listWorlds },
    request: (given) => ({
      ...pageRequest(given),
      ...withoutMissing({ showDeleted: given.options.deleted }),
    }),
  },
  {
    usage: "worlds get <world>",
    summary: "show a registered world",
    examples: ["worlds get alpha"],
    methods: { v1: WorldService.method.getWorld },
    request: ({ args }) => ({ worldId: args[0] ?? "" }),
  },
  {
    usage: "worlds create <world>",
    summary: "register a world",
    options: WORLD_OPTIONS,
    examples: ["worlds create alpha --name Alpha --owner desk-1 --labels equity,us"],
    methods: { v1: WorldService.method.createWorld },
    request: (given) => ({ world: { worldId: given.args[0] ?? "", ...worldFields(given) } }),
  },
  {
    usage: "worlds update <world>",
    summary: "change the given fields of a world, and no others",
    options: [...WORLD_OPTIONS, ETAG],
    examples: ["worlds update alpha --state SUSPENDED", "worlds update alpha --circuit-breaker"],
    methods: { v1: WorldService.method.updateWorld },
    request(given) {
      const fields = worldFields(given);
      const mask = Object.keys(fields);
      if (mask.length === 0) throw new UsageError("name at least one field to change");
      const etag = withoutMissing({ etag: given.options.etag });
      return { world: { worldId: given.args[0] ?? "", ...fields, ...etag }, updateMask: mask.join(",") };
    },
  },
  {
    usage: "worlds delete <world>",
    summary: "delete a world; its history stays",
    options: [ETAG],
    examples: ["worlds delete alpha"],
    methods: { v1: WorldService.method.deleteWorld },
    request: ({ args, options }) => withoutMissing({ worldId: args[0], etag: options.etag }),
  },
];

export const POLICY_VERBS: readonly Verb[] = [
  {
    usage: "policies list <world>",
    summary: "list the policy versions of a world",
    options: pageOptions(),
    examples: ["policies list alpha"],
    methods: { v1: PolicyService.method.listPolicies },
    request: (given) => ({ worldId: given.args[0] ?? "", ...pageRequest(given) }),
  },
  {
    usage: "policies get <world> [version]",
    summary: "show a policy; the default one without a version",
    examples: ["policies get alpha", "policies get alpha 2"],
    methods: { v1: PolicyService.method.getPolicy },
    request: ({ args }) => withoutMissing({ worldId: args[0], version: versionOf(args[1]) }),
  },
  {
    usage: "policies create <world> [file]",
    summary: "create the next version of a world's policy, from a file or a preset",
    options: [choice("--preset <name>", "a policy that comes with the service", PolicyPresetSchema)],
    examples: ["policies create alpha --preset CONSERVATIVE", "policies create alpha policy.yaml"],
    methods: { v1: PolicyService.method.createPolicy },
    async request({ args, options }, { io }) {
      const [worldId = "", path] = args;
      if ((path === undefined) === (options.preset === undefined)) {
        throw new UsageError("give either a file or --preset");
      }
      return path === undefined
        ? { worldId, preset: enumName(options.preset, PolicyPresetSchema) ?? "" }
        : { worldId, body: await readDocument(path, io) };
    },
  },
  {
    usage: "policies default <world> <version>",
    summary: "make a version the world's default",
    examples: ["policies default alpha 2"],
    methods: { v1: PolicyService.method.setDefaultPolicy },
    request: ({ args }) => withoutMissing({ worldId: args[0], version: versionOf(args[1]) }),
  },
];

function versionOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : amount(text);
}

export const OTHER_VERBS: readonly Verb[] = [
  {
    usage: "capabilities",
    summary: "ask what the deployment speaks: gates, modes, store",
    examples: ["capabilities", "capabilities --json"],
    methods: { v1: CapabilityService.method.getCapabilities },
    request: () => ({}),
  },
  {
    usage: "audit [world]",
    summary: "list who changed what in a world, in commit order; without a world, in the book itself",
    options: [new Option("--run-id <id>", "only what this run caused"), ...pageOptions()],
    examples: ["audit alpha", "audit alpha --run-id opening"],
    methods: { v1: AuditService.method.listAuditEntries },
    request: (given) => ({
      ...withoutMissing({ worldId: given.args[0], runId: given.options.runId }),
      ...pageRequest(given),
    }),
  },
];

export const ACTIVATION_VERBS: readonly Verb[] = [
  {
    usage: "activate <world> <strategy>",
    summary: "write one activation entry whole: what is not given gets its default",
    options: [
      choice("--side <side>", "which side", ActivationSideSchema).default("LONG"),
      new Option("--inactive", "switch it off instead of on"),
      new Option("--weight <ratio>", "0..1; default 1 when active").argParser(amount),
      new Option("--freeze", "freeze it: stops at once"),
      new Option("--drain", "drain it: no new positions"),
      choice("--mode <mode>", "how it works", EffectiveModeSchema),
      new Option("--run-id <id>", "run it belongs to"),
      ETAG,
    ],
    examples: ["activate alpha trend --weight 0.5", "activate alpha trend --side SHORT --inactive"],
    methods: { v1: ActivationService.method.upsertActivation },
    request({ args, options }) {
      const { inactive, weight, freeze, drain, runId, etag } = options;
      return withoutMissing({
        worldId: args[0],
        strategyId: args[1],
        side: enumName(options.side, ActivationSideSchema),
        active: inactive !== true,
        weight,
        freeze,
        drain,
        effectiveMode: enumName(options.mode, EffectiveModeSchema),
        runId,
        etag,
      });
    },
  },
  {
    usage: "activations <world>",
    summary: "list a world's activation entries, with its state hash",
    examples: ["activations alpha"],
    methods: { v1: ActivationService.method.listActivations },
    request: ({ args }) => ({ worldId: args[0] ?? "" }),
  },
  freezing(
    "freeze",
    "freeze a world: nothing in it may trade, at once",
    ActivationService.method.freezeWorld,
  ),
  freezing("unfreeze", "lift a world's freeze", ActivationService.method.unfreezeWorld),
];

function freezing(verb: string, summary: string, v1: Verb["methods"]["v1"]): Verb {
  return {
    usage: `${verb} <world>`,
    summary,
    options: [REASON, new Option("--run-id <id>", "run it belongs to")],
    examples: [`${verb} alpha --reason "venue outage"`],
    methods: { v1 },
    request: ({ args, options }) =>
      withoutMissing({ worldId: args[0], reason: options.reason, runId: options.runId }),
    // Any name may be frozen, also before its world is there: a mistyped one must not pass for the world that was meant.
    after: async ({ version }, { args }, session) => {
      if (Number(version) === 0) {
        await session.note(`world ${args[0]} has no entries: check its name (worldctl worlds list)`);
      }
    },
  };
}
