import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { ActivationService, ActivationSide } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { claimedStateHash, foldEvents } from "../../../src/domain/events/fold.ts";
import type { DomainEvent } from "../../../src/domain/events/types.ts";
import { EMPTY_WORLD_STATE, type WorldState } from "../../../src/domain/state/world-state.ts";
import { fromStored } from "../../../src/domain/stored-json.ts";
import { stateHash } from "../../../src/orchestration/shared/hashing.ts";
import { redisUrl } from "../../support/redis.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { randomOf } from "../sqlite/support.ts";

const WORLDS = ["alpha", "beta", "세계"];
const STRATEGIES = ["trend", "carry", "10", "2", "__proto__"];
const WORKERS = 4;
const COMMANDS = 60;

/** Commands of every kind, some of them refused, from several callers at once. */
async function stir(open: TestServer, seed: number): Promise<void> {
  const activation = createClient(ActivationService, open.transport);
  const allocations = createClient(AllocationService, open.transport);
  const decisions = createClient(DecisionService, open.transport);
  const worlds = createClient(WorldService, open.transport);
  await worlds.createWorld({ world: { worldId: "beta", ackRoster: ["gate"], allowLive: true } });

  async function acknowledge(worldId: string): Promise<unknown> {
    const { sequence } = await activation.listActivations({ worldId });
    return activation.acknowledgeActivation({ worldId, subscriber: "gate", sequence });
  }

  async function work(worker: number): Promise<void> {
    const random = randomOf(seed + worker);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    for (let n = 0; n < COMMANDS; n += 1) {
      const worldId = pick(WORLDS);
      const runId = `run-${worker}-${n}`;
      const strategyId = pick(STRATEGIES);
      const side = pick([ActivationSide.LONG, ActivationSide.SHORT]);
      const commands = [
        () => activation.upsertActivation({ worldId, strategyId, side, active: random() < 0.7, runId }),
        () => activation.upsertActivation({ worldId, strategyId, side, drain: true, weight: random() }),
        () => activation.freezeWorld({ worldId, runId }),
        () => activation.unfreezeWorld({ worldId, runId }),
        () => activation.applyWorld(applyOf(worldId, runId, strategyId, random() < 0.5)),
        () => activation.abortApply({ worldId, runId: `run-${worker}-${n - 1}`, reason: "test" }),
        () => acknowledge(worldId),
        () => decisions.setDecisions({ worldId, strategies: [strategyId, pick(STRATEGIES)] }),
        () => decisions.setBindings({ worldId, strategies: [strategyId] }),
        () =>
          allocations.upsertAllocations({
            runId,
            totalEquity: 1000,
            worldAllocations: { [worldId]: random() / 3, [pick(WORLDS)]: random() / 3 },
          }),
      ];
      await pick(commands)().catch(() => {}); // refusals belong to it
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
}

function applyOf(worldId: string, runId: string, strategyId: string, on: boolean) {
  const value = on ? { activate: [strategyId] } : { deactivate: [strategyId] };
  return { worldId, runId, unfreezeOnRollback: true, target: { case: "plan", value } as const };
}

/** Folds the whole log commit by commit, checking every hash on the way; tells how many it checked. */
async function foldLog(open: TestServer): Promise<{ states: Map<string, WorldState>; checked: number }> {
  let states = new Map<string, WorldState>();
  let checked = 0;
  for (const entry of await open.server.opened.log.readAfter(0, 100_000)) {
    const events = entry.events.map(({ body }) => fromStored<DomainEvent>(body));
    states = foldEvents(states, events);
    for (const event of events) {
      const claimed = claimedStateHash(event);
      if (claimed === undefined) continue;
      const folded = stateHash(states.get(event.worldId) ?? EMPTY_WORLD_STATE);
      expect(folded, `revision ${entry.revision}, ${event.type}`).to.equal(claimed);
      checked += 1;
    }
  }
  return { states, checked };
}

for (const kind of ["sqlite in memory", "redis"] as const) {
  describe(`the feed of a stirred book on ${kind}`, () => {
    let open: TestServer;
    before(async () => {
      const store = kind === "redis" ? redisUrl() : "memory:";
      open = await startServer({ store, book: `fold-${randomUUID()}` });
    });
    after(() => open.stop());

    it("folds to the state hash after every commit, and to what the store holds at the end", async function () {
      this.timeout(60_000);
      const seed = 20_261_123;
      await stir(open, seed);
      const { states, checked } = await foldLog(open);
      expect(checked, `seed ${seed}`).to.be.greaterThan(100);
      const activation = createClient(ActivationService, open.transport);
      for (const worldId of WORLDS) {
        const list = await activation.listActivations({ worldId });
        const folded = states.get(worldId) ?? EMPTY_WORLD_STATE;
        expect(stateHash(folded)).to.equal(list.stateHash);
        expect(folded.activations.map((entry) => entry.etag)).to.deep.equal(
          list.activations.map((entry) => entry.etag),
        );
        expect(list.version, "one version an event").to.equal(list.sequence);
      }
    });

    it("stores each of 100 concurrent upserts of one world under a version of its own", async function () {
      this.timeout(60_000);
      const activation = createClient(ActivationService, open.transport);
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          activation.upsertActivation({
            worldId: "crowded",
            strategyId: `s${n % 10}`,
            side: n % 2 === 0 ? ActivationSide.LONG : ActivationSide.SHORT,
            active: true,
            weight: n / 100,
          }),
        ),
      );
      const versions = answers.map(({ version }) => Number(version)).sort((a, b) => a - b);
      const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
      expect(versions).to.deep.equal(hundred);
      const entries = await open.server.opened.log.readAfter(0, 100_000);
      const written = entries
        .flatMap((entry) => entry.events)
        .map(({ body }) => fromStored<DomainEvent>(body))
        .flatMap((event) =>
          event.type === "ACTIVATION_UPDATED" && event.worldId === "crowded" ? [event.payload] : [],
        );
      expect(written.map(({ version }) => version)).to.deep.equal(hundred);
      expect(new Set(written.map(({ entry }) => entry.weight)).size, "nothing lost").to.equal(100);
      expect((await activation.listActivations({ worldId: "crowded" })).version).to.equal(100n);
    });
  });
}
