import { expect } from "chai";
import { DomainError, type Reason } from "../../../src/domain/errors.ts";
import { createReplica, type Replica, stageIn, useReplica, W } from "./support.ts";

async function refusal(attempt: Promise<unknown>, reason: Reason): Promise<DomainError> {
  const error: unknown = await attempt.then(
    () => expect.fail(`was not refused with ${reason}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DomainError)) throw error;
  expect(error.reason).to.equal(reason);
  return error;
}

/** Until an apply came so far by itself. */
async function until(replica: Replica, stage: string): Promise<void> {
  for (let turn = 0; turn < 400 && (await replica.stage()) !== stage; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await replica.stage()).to.equal(stage);
}

async function activeNow(replica: Replica): Promise<string[]> {
  const { entries } = (await replica.view()).activations;
  return entries.filter((entry) => entry.active).map((entry) => entry.strategyId);
}

async function sequenceOf(replica: Replica): Promise<number> {
  return (await replica.view()).activations.sequence;
}

async function typesAndStages(replica: Replica): Promise<string[]> {
  const events = await replica.events();
  return events.map((event) => (event.type === "APPLY_STAGE_CHANGED" ? event.payload.stage : event.type));
}

describe("a two-phase apply with a roster", () => {
  const open = useReplica();
  let replica: Replica;
  beforeEach(async () => {
    replica = open();
    await replica.register({ ackRoster: ["g1", "g2"] });
    await replica.upsert({ strategyId: "a", active: true });
    await replica.decide("a");
  });

  async function acknowledgeAll(): Promise<void> {
    const sequence = await sequenceOf(replica);
    for (const subscriber of ["g1", "g2"]) await replica.ack(subscriber, sequence);
  }

  it("waits frozen until all have acknowledged, then switches, then waits again", async () => {
    const { apply } = await replica.apply("r", ["b"], ["a"]);
    expect(apply).to.include({ stage: "FREEZING", awaitedSequence: 2 });
    expect(await activeNow(replica)).to.deep.equal([]);
    await replica.ack("g1", 2);
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("FREEZING");
    await replica.ack("g2", 2);
    await until(replica, "UNFREEZING");
    expect(await activeNow(replica)).to.deep.equal(["b"]);
    await acknowledgeAll();
    await until(replica, "COMPLETED");
  });

  it("copies the roster when it is accepted, whatever becomes of it", async () => {
    await replica.apply("r", ["b"], ["a"]);
    await replica.change({ ackRoster: ["somebody else"] });
    await replica.ack("somebody else", 2);
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("FREEZING");
    await acknowledgeAll();
    await until(replica, "UNFREEZING");
  });

  it("takes acknowledgements cumulatively: late, repeated and strangers' ones change nothing", async () => {
    await replica.apply("r", ["b"], ["a"]);
    expect(await replica.ack("g1", 2)).to.deep.equal({ acknowledged: 2, latest: 2 });
    expect(await replica.ack("g1", 1)).to.deep.equal({ acknowledged: 2, latest: 2 });
    expect(await replica.ack("g1", 2)).to.deep.equal({ acknowledged: 2, latest: 2 });
    await replica.ack("stranger", 2);
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("FREEZING");
  });

  it("keeps the highest of many acknowledgements that come at once", async () => {
    for (let n = 0; n < 20; n += 1) await replica.upsert({ strategyId: `s${n}` });
    await Promise.all(Array.from({ length: 20 }, (_, n) => replica.ack("g1", n + 1)));
    expect((await replica.view()).acks.get("g1")).to.equal(20);
  });

  it("rolls back when the freeze is not acknowledged in time, and says who was missing", async () => {
    await replica.apply("r", ["b"], ["a"]);
    await replica.ack("g1", 2);
    replica.advance(5_001);
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("ROLLED_BACK");
    const timeouts = (await replica.events()).filter((event) => event.type === "ACK_TIMEOUT");
    expect(timeouts.map(({ payload }) => payload)).to.deep.equal([
      { runId: "r", sequence: 2, missing: ["g2"] },
    ]);
    expect(await activeNow(replica)).to.deep.equal([]);
    expect((await replica.view()).state.decisions).to.deep.equal(["a"]);
  });

  it("stays frozen after a roll-back that nobody acknowledged, even if it was to unfreeze", async () => {
    await replica.apply("r", ["b"], ["a"], { unfreezeOnRollback: true });
    replica.advance(5_001);
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("ROLLED_BACK");
    const missing = await refusal(replica.unfreeze(), "WORLD_FROZEN");
    expect(missing.metadata.missing).to.equal("g1,g2");
    await acknowledgeAll();
    await replica.unfreeze();
    expect(await activeNow(replica)).to.deep.equal(["a"]);
  });

  it("parks frozen when the switch is not acknowledged in time; resumes once the freeze is", async () => {
    await replica.apply("r", ["b"], ["a"]);
    await acknowledgeAll();
    await until(replica, "UNFREEZING");
    replica.advance(5_001);
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("STUCK_FROZEN");
    expect(await activeNow(replica)).to.deep.equal([]);
    expect((await replica.view()).state.decisions).to.deep.equal(["b"]);

    await refusal(replica.unfreeze(), "APPLY_FROZEN");
    await refusal(replica.apply("other", ["c"]), "APPLY_FROZEN");
    const stuck = await refusal(replica.resume("r"), "APPLY_FROZEN");
    expect(stuck.metadata.missing).to.equal("g1,g2");
    await acknowledgeAll();
    expect((await replica.resume("r")).stage).to.equal("UNFREEZING");
    await acknowledgeAll();
    await until(replica, "COMPLETED");
    expect(await activeNow(replica)).to.deep.equal(["b"]);
  });

  it("ends aborted in the safe state after the switch, and UnfreezeWorld puts the switch into force", async () => {
    await replica.apply("r", ["b"], ["a"]);
    await acknowledgeAll();
    await until(replica, "UNFREEZING");
    expect(await replica.abort("r")).to.include({ stage: "STUCK_FROZEN", ended: true });
    await acknowledgeAll();
    await replica.unfreeze();
    expect(await activeNow(replica)).to.deep.equal(["b"]);
  });

  it("goes back when it is aborted before the switch", async () => {
    await replica.apply("r", ["b"], ["a"]);
    expect(await replica.abort("r")).to.include({ stage: "ROLLED_BACK", ended: true });
    expect((await replica.view()).state.decisions).to.deep.equal(["a"]);
  });
});

describe("a freeze during an apply", () => {
  const open = useReplica();

  /** Freezes the world while the driver stands before this stage, and lets it go on. */
  async function freezeBefore(stage: string): Promise<Replica> {
    const replica = open();
    await replica.upsert({ strategyId: "a", active: true });
    await replica.decide("a");
    replica.observeApply = async (at) => {
      if (at.stage !== stage || at.moment !== "before") return;
      replica.observeApply = () => {};
      await replica.freeze("emergency");
    };
    await replica.apply("r", ["b"], ["a"], { unfreezeOnRollback: true });
    return replica;
  }

  for (const stage of ["FREEZING", "FROZEN", "SWITCHED"]) {
    it(`wins before ${stage}: the apply rolls back and the world stays frozen`, async () => {
      const replica = await freezeBefore(stage);
      expect(await replica.stage()).to.equal("ROLLED_BACK");
      expect((await replica.view()).activations.freeze).to.include({ by: "COMMAND" });
      expect(await activeNow(replica)).to.deep.equal([]);
      expect((await replica.view()).state.decisions).to.deep.equal(["a"]);
      await refusal(replica.apply("again", ["b"]), "WORLD_FROZEN");
      await replica.unfreeze();
      expect(await activeNow(replica)).to.deep.equal(["a"]);
    });
  }

  for (const stage of ["UNFREEZING", "COMPLETED"]) {
    it(`wins before ${stage}: the switch stands, parked frozen until an operator resumes it`, async () => {
      const replica = await freezeBefore(stage);
      expect(await replica.stage()).to.equal("STUCK_FROZEN");
      expect(await activeNow(replica)).to.deep.equal([]);
      expect((await replica.view()).state.decisions).to.deep.equal(["b"]);
      await replica.reaper.sweep();
      expect(await replica.stage()).to.equal("STUCK_FROZEN");
      expect((await replica.resume("r")).stage).to.equal("COMPLETED");
      expect(await activeNow(replica)).to.deep.equal(["b"]);
    });
  }

  it("does not wait for the lock, whoever holds it", async () => {
    const replica = open();
    await replica.upsert({ strategyId: "a", active: true });
    const { lease } = await replica.opened.locks.acquire([W], { timeoutMs: 0 });
    expect((await replica.freeze()).changed).to.equal(true);
    expect(await activeNow(replica)).to.deep.equal([]);
    await lease.release();
  });
});

describe("an apply whose driver is gone", () => {
  const open = useReplica();

  /** Leaves an apply behind as a crash would: nothing of its driver runs any more. */
  async function abandonAfter(stage: string): Promise<Replica> {
    const replica = open();
    await replica.upsert({ strategyId: "a", active: true });
    await replica.decide("a");
    replica.onCommit = (request) => {
      if (gone) throw new DomainError("LOCK_LOST", "the driver is gone");
      gone = stageIn(request) === stage;
    };
    let gone = false;
    await replica.apply("r", ["b"], ["a"]).catch(() => {});
    replica.onCommit = () => {};
    return replica;
  }

  for (const stage of ["REQUESTED", "FREEZING", "FROZEN"]) {
    it(`is taken back by whoever finds it at ${stage}`, async () => {
      const replica = await abandonAfter(stage);
      expect(await replica.stage()).to.equal(stage);
      await replica.reaper.sweep();
      expect(await replica.stage()).to.equal("ROLLED_BACK");
      expect((await replica.view()).state.decisions).to.deep.equal(["a"]);
    });
  }

  for (const stage of ["SWITCHED", "UNFREEZING"]) {
    it(`is finished by whoever finds it at ${stage}`, async () => {
      const replica = await abandonAfter(stage);
      expect(await replica.stage()).to.equal(stage);
      await replica.reaper.sweep();
      expect(await replica.stage()).to.equal("COMPLETED");
      expect(await activeNow(replica)).to.deep.equal(["b"]);
    });
  }

  it("is driven by one of two reapers that find it at once", async () => {
    const replica = await abandonAfter("SWITCHED");
    const second = createReplica(replica.opened);
    await Promise.all([replica.reaper.sweep(), second.reaper.sweep()]);
    await Promise.all([replica.reaper.sweep(), second.reaper.sweep()]);
    await second.reaper.stop();
    const stages = (await typesAndStages(replica)).filter((stage) => stage !== "ACTIVATION_UPDATED");
    expect(stages.slice(-3)).to.deep.equal(["SWITCHED", "UNFREEZING", "COMPLETED"]);
    expect(await activeNow(replica)).to.deep.equal(["b"]);
  });

  it("is left alone while its world is locked", async () => {
    const replica = await abandonAfter("FROZEN");
    const { lease } = await replica.opened.locks.acquire([W], { timeoutMs: 0 });
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("FROZEN");
    await lease.release();
    await replica.reaper.sweep();
    expect(await replica.stage()).to.equal("ROLLED_BACK");
  });
});

describe("an apply and the switches of its world", () => {
  const open = useReplica();

  const SHUT = [{ state: "SUSPENDED" as const }, { circuitBreaker: true }];
  for (const patch of SHUT) {
    it(`rolls back when ${Object.keys(patch)} is set before the switch`, async () => {
      const replica = open();
      await replica.register({ ackRoster: ["g"] });
      await replica.upsert({ strategyId: "a", active: true });
      await replica.apply("r", ["b"]);
      await replica.change(patch);
      await replica.ack("g", 2);
      await until(replica, "ROLLED_BACK");
    });

    it(`parks frozen when ${Object.keys(patch)} is set after the switch`, async () => {
      const replica = open();
      await replica.register({});
      await replica.upsert({ strategyId: "a", active: true });
      const { onCommit } = replica;
      replica.onCommit = async (request) => {
        if (stageIn(request) !== "UNFREEZING") return;
        replica.onCommit = onCommit;
        // Not under the lock, as the driver holds it: what counts is that the commit notices.
        const world = (await replica.view()).world;
        const body = JSON.stringify({ ...world, ...patch });
        await replica.opened.store.commit({ puts: [{ key: { kind: "world", scope: "", id: W }, body }] });
      };
      await replica.apply("r", ["b"], ["a"]);
      expect(await replica.stage()).to.equal("STUCK_FROZEN");
      expect(await activeNow(replica)).to.deep.equal([]);
    });
  }

  it("publishes each stage in a commit of its own", async () => {
    const replica = open();
    await replica.upsert({ strategyId: "a", active: true });
    await replica.apply("r", ["b"], ["a"]);
    expect((await typesAndStages(replica)).slice(1)).to.deep.equal([
      "REQUESTED",
      "ACTIVATION_UPDATED",
      "FREEZING",
      "FROZEN",
      "DECISIONS_UPDATED",
      "SWITCHED",
      "ACTIVATION_UPDATED",
      "ACTIVATION_UPDATED",
      "UNFREEZING",
      "COMPLETED",
    ]);
    const entries = await replica.opened.log.readAfter(1, 100);
    expect(entries.map((entry) => entry.events.length)).to.deep.equal([1, 2, 1, 2, 3, 1]);
  });
});
