import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { Option } from "commander";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { names, readDocument } from "../input.ts";
import { UsageError } from "../io.ts";
import type { Session } from "../session.ts";
import { type Given, type Verb, withoutMissing } from "../verb.ts";
import { ETAG } from "./worlds.ts";

/** Pause between two looks at an apply, in milliseconds. */
const LOOK_MS = 500;

const { applyWorld, getApply, resumeApply, abortApply } = ActivationService.method;

export const APPLY_VERBS: readonly Verb[] = [
  {
    usage: "apply-world <world>",
    summary: "switch a world to other strategies in two phases: freeze, switch, unfreeze",
    options: [
      new Option("--run-id <id>", "name of the apply, unique in the world"),
      new Option("--activate <a,b>", "strategies to switch on; repeatable").argParser(names),
      new Option("--deactivate <a,b>", "strategies to switch off; repeatable").argParser(names),
      new Option("--evaluation <file>", "let a policy choose from this input instead (JSON or YAML)"),
      ETAG,
      new Option("--unfreeze-on-rollback", "lift the freeze again if it is rolled back"),
      new Option("--wait", "wait until it has ended, telling each stage"),
    ],
    examples: [
      "apply-world alpha --run-id switch-1 --activate trend --deactivate carry --wait",
      "apply-world alpha --run-id switch-2 --evaluation input.yaml",
    ],
    methods: { v1: applyWorld },
    async request({ args, options }, { io }) {
      const { runId, activate, deactivate, evaluation, etag, unfreezeOnRollback } = options;
      if (typeof runId !== "string") throw new UsageError("a run id is needed: --run-id <id>");
      const hasPlan = activate !== undefined || deactivate !== undefined;
      if (hasPlan === (evaluation !== undefined)) {
        throw new UsageError("give either --activate and --deactivate, or --evaluation");
      }
      const target =
        typeof evaluation === "string"
          ? { evaluation: await readDocument(evaluation, io) }
          : { plan: withoutMissing({ activate, deactivate }) };
      return { ...withoutMissing({ worldId: args[0], runId, etag, unfreezeOnRollback }), ...target };
    },
    after: waitForEnd,
  },
  {
    usage: "applies get <world> [run-id]",
    summary: "show an apply, the latest without a run id, and what it waits for",
    examples: ["applies get alpha"],
    methods: { v1: getApply },
    request: ({ args }) => withoutMissing({ worldId: args[0], runId: args[1] }),
  },
  operating("resume", "go on with an apply that is stuck", resumeApply),
  operating("abort", "give an apply up", abortApply),
];

function operating(verb: string, summary: string, v1: Verb["methods"]["v1"]): Verb {
  return {
    usage: `applies ${verb} <world> <run-id>`,
    summary,
    options: [new Option("--reason <text>", "why; goes into the audit log")],
    examples: [`applies ${verb} alpha switch-1 --reason "gateway is back"`],
    methods: { v1 },
    request: ({ args, options }) =>
      withoutMissing({ worldId: args[0], runId: args[1], reason: options.reason }),
  };
}

/** With `--wait`: looks until the apply has ended. */
async function waitForEnd(answer: JsonObject, { args, options }: Given, session: Session): Promise<void> {
  if (options.wait !== true || answer.ok === true) return;
  const request = withoutMissing({ worldId: args[0], runId: options.runId });
  const until = performance.now() + session.options.timeout * 1_000;
  let stage: unknown = answer.stage;
  for (;;) {
    const { apply } = await session.call({ v1: getApply }, request);
    const seen: JsonObject =
      typeof apply === "object" && apply !== null && !Array.isArray(apply) ? apply : {};
    if (seen.stage !== stage)
      await session.note(`${args[0]}: ${String(seen.stage).replace("APPLY_STAGE_", "")}`);
    stage = seen.stage;
    if (seen.ended === true) return checkOutcome(seen);
    if (performance.now() > until)
      throw new Error(`it had not ended after ${session.options.timeout} s: ${stage}`);
    await sleep(LOOK_MS, undefined, { signal: session.io.signal });
  }
}

function checkOutcome({ ok, stage, message }: JsonObject): void {
  if (ok !== true) throw new Error(`the apply ended as ${String(stage)}: ${String(message)}`);
}
