import { expect } from "chai";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import type { DomainEvent } from "../../../src/domain/events/types.ts";
import type { ActivationEntry, ApplyStage } from "../../../src/domain/state/world-state.ts";
import { toStored } from "../../../src/domain/stored-json.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { judge, type Verdict } from "./judge.ts";

const W = "w";

function event(type: DomainEvent["type"], payload: object): DomainEvent {
  const facts = { worldId: W, timeMs: 0, correlationId: "", idempotencyKey: "", schemaVersion: 1 };
  return { ...facts, type, payload } as DomainEvent;
}

function stage(name: ApplyStage): DomainEvent {
  return event("APPLY_STAGE_CHANGED", { runId: "r", stage: name, active: [], reason: "" });
}

function decided(...strategies: string[]): DomainEvent {
  return event("DECISIONS_UPDATED", { strategies });
}

function entry(strategyId: string, sequence: number, phase: string, active: boolean): DomainEvent {
  const content: Partial<ActivationEntry> = { strategyId, side: "LONG", active, freeze: phase === "FREEZE" };
  return event("ACTIVATION_UPDATED", { entry: content, phase, sequence, version: sequence });
}

const EXPECTED = { worldId: W, runId: "r", previous: ["a"], target: ["b"], roster: [] as string[] };

describe("the judge of the crash suite", () => {
  let opened: OpenedStore;
  beforeEach(async () => {
    opened = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 1_000 });
  });
  afterEach(() => opened.close());

  async function verdictOn(commits: readonly DomainEvent[][], roster: string[] = []): Promise<Verdict> {
    for (const events of commits) {
      await opened.store.commit({ events: events.map((each) => ({ worldId: W, body: toStored(each) })) });
    }
    return judge(opened, [{ ...EXPECTED, roster }]);
  }

  const frozen = [[decided("a")], [stage("REQUESTED")], [entry("a", 1, "FREEZE", false), stage("FREEZING")]];

  it("passes a sound history", async () => {
    const verdict = await verdictOn([
      ...frozen,
      [stage("FROZEN")],
      [decided("b"), stage("SWITCHED")],
      [entry("a", 2, "UNFREEZE", false), entry("b", 3, "UNFREEZE", true), stage("UNFREEZING")],
      [stage("COMPLETED")],
    ]);
    expect(verdict.details).to.deep.equal([]);
  });

  it("sees a roll-back after SWITCHED", async () => {
    const verdict = await verdictOn([
      ...frozen,
      [stage("FROZEN")],
      [decided("b"), stage("SWITCHED")],
      [stage("ROLLING_BACK")],
    ]);
    expect(verdict.wrongPath).to.be.greaterThan(0);
  });

  it("sees decisions that change apart from the stage", async () => {
    const verdict = await verdictOn([...frozen, [stage("FROZEN")], [decided("b")], [stage("SWITCHED")]]);
    expect(verdict.halfSwitched).to.be.greaterThan(0);
  });

  it("sees entries of the former set become active after the switch", async () => {
    const verdict = await verdictOn([
      ...frozen,
      [stage("FROZEN")],
      [decided("b"), stage("SWITCHED")],
      [entry("a", 2, "UNFREEZE", true), stage("UNFREEZING")],
    ]);
    expect(verdict.halfSwitched).to.be.greaterThan(0);
  });

  it("sees a world unfrozen that nobody switched or took back", async () => {
    const verdict = await verdictOn([...frozen, [entry("a", 2, "UNFREEZE", true)]]);
    expect(verdict.unfrozenEarly).to.be.greaterThan(0);
  });

  it("sees a switch that the roster did not acknowledge", async () => {
    const verdict = await verdictOn([...frozen, [stage("FROZEN")]], ["gate"]);
    expect(verdict.unfrozenEarly).to.be.greaterThan(0);
  });

  it("sees a sequence that is used twice, and a hash that does not follow", async () => {
    const forged = event("DECISIONS_UPDATED", { strategies: ["a"], stateHash: "sha256:forged" });
    const verdict = await verdictOn([
      [entry("a", 1, "NONE", false)],
      [entry("a", 1, "NONE", false)],
      [forged],
    ]);
    expect(verdict.broken).to.equal(2);
  });
});
