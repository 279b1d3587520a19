import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { ActivationSide } from "#gen/worldservice/v2/activation_pb.ts";
import type { WorldAllocationSnapshot } from "#gen/worldservice/v2/allocation_service_pb.ts";
import {
  ControlBusService,
  type Event,
  EventType,
  type Snapshot,
  StartPosition,
  type SubscribeResponse,
  type WorldSnapshot,
} from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { foldEvent } from "../../../src/domain/events/fold.ts";
import type { DomainEvent } from "../../../src/domain/events/types.ts";
import {
  type ActivationEntry,
  type Allocation,
  EMPTY_WORLD_STATE,
  type WorldState,
} from "../../../src/domain/state/world-state.ts";
import { toStored } from "../../../src/domain/stored-json.ts";
import { stateHash } from "../../../src/orchestration/shared/hashing.ts";
import { worldKey } from "../../../src/orchestration/shared/keys.ts";
import { SAMPLES } from "../../contract/events/samples.ts";
import { randomOf } from "../../support/feed-random.ts";
import { type FeedServer, startFeedServer } from "../../support/feed-server.ts";

/** Writes state and events as the use cases do: documents, events with the hash of the state after them, one commit. */
function createBook(server: FeedServer) {
  const states = new Map<string, WorldState>();
  const versions = new Map<string, number>();

  async function apply(make: (worldId: string) => DomainEvent, worldId: string): Promise<void> {
    const draft = make(worldId);
    const state = foldEvent(states.get(worldId) ?? EMPTY_WORLD_STATE, draft);
    states.set(worldId, state);
    const version = (versions.get(worldId) ?? 0) + 1;
    versions.set(worldId, version);
    const event = { ...draft, payload: { ...draft.payload, stateHash: stateHash(state) } };
    await server.opened.store.commit({
      events: [{ worldId, body: toStored(event) }],
      puts: documents(worldId, state, version),
    });
  }

  return { states, apply };
}

function documents(worldId: string, state: WorldState, version: number) {
  const put = (kind: Parameters<typeof worldKey>[0], value: object) => ({
    key: worldKey(kind, worldId),
    body: toStored(value),
  });
  return [
    ...(state.allocation ? [put("allocation", state.allocation)] : []),
    ...(state.activations.length > 0
      ? [put("activation", { version, sequence: version, entries: state.activations })]
      : []),
    ...(state.decisions.length > 0 ? [put("decisions", { strategies: state.decisions })] : []),
    ...(state.applyStage ? [put("apply", { stage: state.applyStage })] : []),
  ];
}

function sample<T extends DomainEvent["type"]>(name: string): Extract<DomainEvent, { type: T }> {
  return SAMPLES[name] as Extract<DomainEvent, { type: T }>;
}

/** Some change of hashed state, different for every number. */
function change(number: number): (worldId: string) => DomainEvent {
  const makers: ((worldId: string) => DomainEvent)[] = [
    (worldId) => {
      const event = sample<"ALLOCATION_UPDATED">("allocation-updated");
      const allocation = {
        ...event.payload.allocation,
        worldId,
        allocation: (number % 100) / 100,
        etag: `e${number}`,
      };
      return { ...event, worldId, payload: { ...event.payload, allocation } };
    },
    (worldId) => {
      const event = sample<"ACTIVATION_UPDATED">("activation-updated");
      const entry = {
        ...event.payload.entry,
        worldId,
        strategyId: `s${number % 3}`,
        weight: (number % 10) / 10,
      };
      return { ...event, worldId, payload: { ...event.payload, entry } };
    },
    (worldId) => {
      const event = sample<"DECISIONS_UPDATED">("decisions-updated");
      return { ...event, worldId, payload: { ...event.payload, strategies: [`s${number}`] } };
    },
    (worldId) => {
      const event = sample<"APPLY_STAGE_CHANGED">("apply-stage-changed");
      return {
        ...event,
        worldId,
        payload: { ...event.payload, stage: number % 2 === 0 ? "FROZEN" : "COMPLETED" },
      };
    },
    (worldId) => ({ ...sample<"BINDINGS_UPDATED">("bindings-updated"), worldId }),
  ];
  return makers[number % makers.length] as (worldId: string) => DomainEvent;
}

/** What a subscriber makes of the wire, with nothing but the wire. */
function stateOf(world: WorldSnapshot): WorldState {
  return {
    allocation: world.allocation && allocationOf(world.allocation),
    activations: world.activations.map((entry) => entryOf(entry)),
    decisions: world.decisions,
    applyStage: STAGES[world.applyStage],
  };
}

const STAGES: readonly WorldState["applyStage"][] = [
  undefined,
  "REQUESTED",
  "FREEZING",
  "FROZEN",
  "SWITCHED",
  "UNFREEZING",
  "COMPLETED",
];
const MODES = ["VALIDATE", "VALIDATE", "COMPUTE_ONLY", "PAPER", "LIVE", "SHADOW"] as const;

function allocationOf(wire: WorldAllocationSnapshot): Allocation {
  const { worldId, allocation, runId, etag, strategyAllocTotal, updatedAt } = wire;
  const ratios = strategyAllocTotal && new Map(Object.entries(strategyAllocTotal.ratios));
  return {
    worldId,
    allocation,
    runId,
    etag,
    strategyAllocTotal: ratios,
    updatedAtMs: updatedAt ? timestampMs(updatedAt) : 0,
  };
}

function entryOf(wire: WorldSnapshot["activations"][number]): ActivationEntry {
  const { worldId, strategyId, active, weight, freeze, drain, etag, runId, updatedAt } = wire;
  return {
    worldId,
    strategyId,
    side: wire.side === ActivationSide.LONG ? "LONG" : "SHORT",
    active,
    weight,
    freeze,
    drain,
    effectiveMode: MODES[wire.effectiveMode] ?? "VALIDATE",
    etag,
    runId,
    updatedAtMs: updatedAt ? timestampMs(updatedAt) : 0,
  };
}

/** The state after a wire event, and the hash the event says it has. */
function follow(
  state: WorldState,
  { payload, worldId }: Event,
): { state: WorldState; claimed: string | undefined } {
  const facts = { worldId, timeMs: 0, correlationId: "", idempotencyKey: "", schemaVersion: 1 as const };
  switch (payload.case) {
    case "allocationUpdated": {
      const allocation = allocationOf(payload.value.allocation as WorldAllocationSnapshot);
      const inner = { allocation, previousAllocation: 0, stateHash: "" };
      return {
        state: foldEvent(state, { ...facts, type: "ALLOCATION_UPDATED", payload: inner }),
        claimed: payload.value.stateHash,
      };
    }
    case "activationUpdated": {
      const entry = entryOf(payload.value.entry as WorldSnapshot["activations"][number]);
      const event = { ...sample<"ACTIVATION_UPDATED">("activation-updated"), worldId };
      return {
        state: foldEvent(state, { ...event, payload: { ...event.payload, entry } }),
        claimed: payload.value.stateHash,
      };
    }
    case "decisionsUpdated": {
      const inner = { strategies: payload.value.strategies, stateHash: "" };
      return {
        state: foldEvent(state, { ...facts, type: "DECISIONS_UPDATED", payload: inner }),
        claimed: payload.value.stateHash,
      };
    }
    case "applyStageChanged":
      return {
        state: { ...state, applyStage: STAGES[payload.value.stage] },
        claimed: payload.value.stateHash,
      };
    default:
      return { state, claimed: undefined };
  }
}

describe("a snapshot of the feed", () => {
  let server: FeedServer;

  beforeEach(async () => {
    server = await startFeedServer();
  });
  afterEach(() => server.stop());

  async function read(
    options: object,
    until: (response: SubscribeResponse) => boolean,
  ): Promise<SubscribeResponse[]> {
    const client = createClient(ControlBusService, createGrpcTransport({ baseUrl: server.url }));
    const aborter = new AbortController();
    const responses: SubscribeResponse[] = [];
    for await (const response of client.subscribe(
      { start: StartPosition.SNAPSHOT, ...options },
      { signal: aborter.signal },
    )) {
      responses.push(response);
      if (until(response)) break;
    }
    aborter.abort();
    return responses;
  }

  const snapshotIn = (responses: readonly SubscribeResponse[]): Snapshot => {
    const message = responses[1]?.message;
    if (message?.case !== "snapshot") throw new Error("the second message is no snapshot");
    return message.value;
  };
  const isSnapshot = ({ message }: SubscribeResponse) => message.case === "snapshot";

  it("has the state of the chosen worlds, sorted, with sequence and hash", async () => {
    const book = createBook(server);
    for (let number = 0; number < 40; number++)
      await book.apply(change(number), ["w2", "10", "세계", "w1"][number % 4] ?? "w1");
    const all = snapshotIn(await read({}, isSnapshot));
    expect(all.worlds.map(({ worldId }) => worldId)).to.deep.equal(["10", "w1", "w2", "세계"]);
    expect(Number(all.revision)).to.equal(40);
    for (const world of all.worlds) {
      expect(Number(world.worldSequence)).to.equal(10);
      expect(world.stateHash).to.equal(stateHash(book.states.get(world.worldId) ?? EMPTY_WORLD_STATE));
      expect(stateHash(stateOf(world))).to.equal(world.stateHash);
    }
    const some = snapshotIn(await read({ worldIds: ["w2", "10"] }, isSnapshot));
    expect(some.worlds).to.deep.equal(all.worlds.filter(({ worldId }) => ["10", "w2"].includes(worldId)));
  });

  it("knows a world that has events and no state", async () => {
    const book = createBook(server);
    await book.apply(change(4), "w1");
    const { worlds } = snapshotIn(await read({ worldIds: ["w1"] }, isSnapshot));
    expect(worlds).to.have.length(1);
    expect(worlds[0]).to.deep.include({
      worldId: "w1",
      worldSequence: 1n,
      stateHash: stateHash(EMPTY_WORLD_STATE),
    });
  });

  it("and the events behind it fold to the state and its hash at every step, without a gap", async () => {
    const book = createBook(server);
    const random = randomOf(7);
    const worlds = ["w1", "w2", "w3"];
    for (const worldId of worlds) await book.apply(change(0), worldId);
    let writing = true;
    const writes = (async () => {
      for (let number = 1; number <= 300; number++) {
        await book.apply(change(number), worlds[Math.floor(random() * worlds.length)] ?? "w1");
        if (number % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      writing = false;
    })();
    const reads = Array.from({ length: 5 }, async () => {
      const responses = await read(
        { types: [] },
        ({ message }) => !writing && message.case === "batch" && message.value.revision === 303n,
      );
      const states = new Map(snapshotIn(responses).worlds.map((world) => [world.worldId, stateOf(world)]));
      let checked = 0;
      for (const { message } of responses) {
        if (message.case !== "batch") continue;
        for (const event of message.value.events) {
          const { state, claimed } = follow(states.get(event.worldId) ?? EMPTY_WORLD_STATE, event);
          states.set(event.worldId, state);
          if (claimed === undefined) continue;
          expect(stateHash(state)).to.equal(claimed);
          checked++;
        }
      }
      for (const [worldId, state] of states)
        expect(stateHash(state)).to.equal(stateHash(book.states.get(worldId) ?? EMPTY_WORLD_STATE));
      return checked;
    });
    const checked = await Promise.all(reads);
    await writes;
    expect(Math.max(...checked)).to.be.greaterThan(100);
  });

  it("is of all worlds the filter names, whatever types it names", async () => {
    const book = createBook(server);
    await book.apply(change(2), "w1");
    const responses = await read(
      { types: [EventType.ACK_TIMEOUT] },
      ({ message }) => message.case === "bookmark",
    );
    expect(snapshotIn(responses).worlds.map(({ decisions }) => decisions)).to.deep.equal([["s2"]]);
    expect(responses.some(({ message }) => message.case === "batch")).to.equal(false);
  });
});
