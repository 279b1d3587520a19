/** The demo's part on activation: a world is frozen, switched and unfrozen, and every phase is shown as it was published. */
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  ActivationPhase,
  ActivationService,
  ActivationSide,
  ApplyStage,
} from "#gen/worldservice/v1/activation_service_pb.ts";
import { ControlBusService, type Event, StartPosition } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { DecisionService, EffectiveMode } from "#gen/worldservice/v1/decision_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { fact, refused } from "./facts.ts";
import { heading, printTable, say } from "./output.ts";

const WORLD = "perpetuals-desk";
const RUN = "switch-to-carry";
const GATE = "gateway-1";
const CALL_MS = 10_000;

/**
 * Freezes, switches and unfreezes a world of its own on the server at `address`, with one subscriber that acknowledges.
 */
export async function switchWorld(address: string): Promise<void> {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager, defaultTimeoutMs: CALL_MS });
  try {
    await prepare(transport);
    await freezeAndUnfreeze(transport);
    await applyInTwoPhases(transport);
    await showPhases(transport);
  } finally {
    sessionManager.abort();
  }
}

async function prepare(transport: Transport): Promise<void> {
  heading("Activation: a world with two strategies and a subscriber that must acknowledge");
  const worlds = createClient(WorldService, transport);
  await worlds.createWorld({ world: { worldId: WORLD, name: "Perpetuals desk", ackRoster: [GATE] } });
  const activation = createClient(ActivationService, transport);
  for (const strategyId of ["momentum", "mean-reversion"]) {
    await activation.upsertActivation({
      worldId: WORLD,
      strategyId,
      side: ActivationSide.LONG,
      active: true,
      weight: 0.5,
      effectiveMode: EffectiveMode.PAPER,
    });
  }
  const strategies = ["momentum", "mean-reversion"];
  await createClient(DecisionService, transport).setDecisions({ worldId: WORLD, strategies });
  await showEntries(activation);
}

async function freezeAndUnfreeze(transport: Transport): Promise<void> {
  heading("FreezeWorld: at once, and lifted only when it is acknowledged");
  const activation = createClient(ActivationService, transport);
  const { sequence, changed } = await activation.freezeWorld({ worldId: WORLD, reason: "fire drill" });
  fact("the world is frozen", changed && (await activation.listActivations({ worldId: WORLD })).frozen);
  await refused("unfreezing it before the subscriber acknowledged is refused", "WORLD_FROZEN", () =>
    activation.unfreezeWorld({ worldId: WORLD }),
  );
  await activation.acknowledgeActivation({ worldId: WORLD, subscriber: GATE, sequence });
  fact("then it is lifted", (await activation.unfreezeWorld({ worldId: WORLD })).changed);
}

/** The subscriber acknowledges whatever it is asked for until the apply has ended. */
async function applyInTwoPhases(transport: Transport): Promise<void> {
  heading("ApplyWorld: freeze, switch, unfreeze");
  const activation = createClient(ActivationService, transport);
  const value = { activate: ["carry"], deactivate: ["mean-reversion"] };
  const target = { case: "plan" as const, value };
  const { stage } = await activation.applyWorld({ worldId: WORLD, runId: RUN, target });
  say(`stage ${nameOf(stage)}: waits for ${GATE}`);
  fact("it waits frozen for the acknowledgement", stage === ApplyStage.FREEZING);
  const ended = await acknowledgeUntilEnded(activation);
  fact("it ends COMPLETED", ended === ApplyStage.COMPLETED, nameOf(ended));
  await showEntries(activation);
}

async function acknowledgeUntilEnded(activation: Client<typeof ActivationService>): Promise<ApplyStage> {
  const deadline = performance.now() + CALL_MS;
  for (;;) {
    const { apply } = await activation.getApply({ worldId: WORLD, runId: RUN });
    const stage = apply?.stage ?? ApplyStage.UNSPECIFIED;
    if (apply?.ended === true || performance.now() > deadline) return stage;
    if (apply?.missing.includes(GATE) === true) {
      const sequence = apply.awaitedSequence;
      await activation.acknowledgeActivation({ worldId: WORLD, subscriber: GATE, sequence, runId: RUN });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function showEntries(activation: Client<typeof ActivationService>): Promise<void> {
  const { activations } = await activation.listActivations({ worldId: WORLD });
  const rows = activations.map(({ strategyId, active, weight, freeze, etag }) => [
    strategyId,
    active ? "yes" : "no",
    String(weight),
    freeze ? "yes" : "no",
    etag,
  ]);
  printTable(`Entries of ${WORLD}`, ["strategy", "active", "weight>", "frozen", "etag"], rows);
}

/** Reads the apply back from the feed: what every subscriber saw, in the order of the commits. */
async function showPhases(transport: Transport): Promise<void> {
  const events = await eventsOfApply(transport);
  const rows = events.map((event) => [String(event.worldSequence), ...describe(event)]);
  printTable("What the feed said", ["event>", "what", "details"], rows);
  const stages = events.flatMap(({ payload }) =>
    payload.case === "applyStageChanged" ? [nameOf(payload.value.stage)] : [],
  );
  const path = ["REQUESTED", "FREEZING", "FROZEN", "SWITCHED", "UNFREEZING", "COMPLETED"];
  fact("the feed shows every stage once, in order", stages.join() === path.join(), stages);
}

async function eventsOfApply(transport: Transport): Promise<Event[]> {
  const found: Event[] = [];
  const feed = createClient(ControlBusService, transport);
  const ending = new AbortController();
  const request = { worldIds: [WORLD], start: StartPosition.EARLIEST };
  for await (const { message } of feed.subscribe(request, { signal: ending.signal, timeoutMs: CALL_MS })) {
    if (message.case !== "batch") continue;
    found.push(...message.value.events.filter(isOfApply));
    if (found.some(isEnd)) break;
  }
  ending.abort();
  return found;
}

function isOfApply({ payload }: Event): boolean {
  if (payload.case === "activationUpdated" || payload.case === "applyStageChanged") {
    return payload.value.runId === RUN;
  }
  return payload.case === "decisionsUpdated" && payload.value.strategies.includes("carry");
}

function isEnd({ payload }: Event): boolean {
  return payload.case === "applyStageChanged" && payload.value.stage === ApplyStage.COMPLETED;
}

function describe({ payload }: Event): [what: string, details: string] {
  switch (payload.case) {
    case "applyStageChanged":
      return ["stage", nameOf(payload.value.stage)];
    case "activationUpdated":
      return [phaseOf(payload.value.phase), payload.value.entry?.strategyId ?? ""];
    case "decisionsUpdated":
      return ["decisions", payload.value.strategies.join(", ")];
    default:
      return ["other", ""];
  }
}

function phaseOf(phase: ActivationPhase): string {
  return phase === ActivationPhase.FREEZE ? "freeze" : "unfreeze";
}

const STAGE_NAMES = new Map<number, string>(Object.entries(ApplyStage).map(([name, stage]) => [stage, name]));

function nameOf(stage: ApplyStage): string {
  return STAGE_NAMES.get(stage) ?? String(stage);
}
