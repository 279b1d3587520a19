import { expect } from "chai";
import {
  type EntryContent,
  findEntry,
  inWritingOrder,
  NO_ACTIVATIONS,
  type WorldActivations,
  write,
} from "../../../../src/domain/activation/activations.ts";
import {
  freezeAll,
  missingAcks,
  needsLive,
  switchedContents,
  takeOverFreeze,
  unfreezeAll,
  writeEntry,
} from "../../../../src/domain/activation/freeze.ts";

const AUTHOR = { worldId: "w", runId: "r", nowMs: 7 };
const BY_APPLY = { by: "APPLY", runId: "r", roster: ["g"] } as const;

function content(strategyId: string, more: Partial<EntryContent> = {}): EntryContent {
  const plain = { side: "LONG", active: true, weight: 0.5, freeze: false, drain: false } as const;
  return { strategyId, ...plain, effectiveMode: "PAPER", ...more };
}

function worldOf(...contents: EntryContent[]): WorldActivations {
  return write(NO_ACTIVATIONS, contents, "NONE", AUTHOR).activations;
}

describe("activation entries", () => {
  it("take one version and one sequence each, and an etag of their own", () => {
    const { activations, changes } = write(
      worldOf(content("a")),
      [content("b"), content("a")],
      "NONE",
      AUTHOR,
    );
    expect(changes.map(({ version, sequence }) => [version, sequence])).to.deep.equal([
      [2, 2],
      [3, 3],
    ]);
    expect(activations).to.include({ version: 3, sequence: 3 });
    expect(findEntry(activations, "a", "LONG")?.etag).to.equal("act:3");
    expect(changes[0]?.entry).to.include({ worldId: "w", runId: "r", updatedAtMs: 7 });
  });

  it("are sorted by the bytes of the strategy, LONG before SHORT", () => {
    const activations = worldOf(
      content("é"),
      content("b", { side: "SHORT" }),
      content("😀"),
      content("b"),
      content("10"),
      content("\uFFFD"),
      content("__proto__"),
    );
    const sorted = activations.entries.map(({ strategyId, side }) => `${strategyId} ${side}`);
    expect(sorted).to.deep.equal([
      "10 LONG",
      "__proto__ LONG",
      "b LONG",
      "b SHORT",
      "é LONG",
      "\uFFFD LONG",
      "😀 LONG",
    ]);
  });

  it("are written by a freeze in the order of their first writing, both sides of a strategy together", () => {
    const activations = worldOf(content("z"), content("a"), content("z", { side: "SHORT" }), content("a"));
    expect(inWritingOrder(activations).map(({ strategyId, side }) => `${strategyId} ${side}`)).to.deep.equal([
      "z LONG",
      "z SHORT",
      "a LONG",
    ]);
  });

  for (const flag of ["freeze", "drain"] as const) {
    it(`are reported as not active while ${flag} is set`, () => {
      const { entries } = worldOf(content("a", { [flag]: true }));
      expect(entries[0]).to.include({ active: false, [flag]: true });
    });
  }

  it("remember the runs of recent writes, each once, and not for ever", () => {
    let activations = NO_ACTIVATIONS;
    for (let n = 0; n < 200; n += 1) {
      const author = { ...AUTHOR, runId: `r${n % 80}` };
      activations = write(activations, [content("a")], "NONE", author).activations;
    }
    expect(activations.recentRuns).to.have.length(50);
    expect(new Set(activations.recentRuns).size).to.equal(50);
    expect(activations.recentRuns.at(-1)).to.equal("r39");
  });
});

describe("a frozen world", () => {
  const before = worldOf(
    content("a"),
    content("b", { active: false, weight: 0.1 }),
    content("c", { drain: true }),
  );

  it("has no entry that may trade, keeps their weights, and counts on", () => {
    const { activations, changes } = freezeAll(before, BY_APPLY, AUTHOR);
    expect(activations.entries.every((entry) => entry.freeze && entry.drain && !entry.active)).to.equal(true);
    expect(activations.entries.map((entry) => entry.weight)).to.deep.equal([0.5, 0.1, 0.5]);
    expect(changes.map(({ phase, requiresAck }) => [phase, requiresAck])).to.deep.equal(
      Array.from({ length: 3 }, () => ["FREEZE", true]),
    );
    expect(activations.freeze).to.deep.equal({ ...BY_APPLY, sequence: 6 });
  });

  it("becomes what it was when it is unfrozen, however often it was frozen", () => {
    const once = freezeAll(before, BY_APPLY, AUTHOR).activations;
    const twice = freezeAll(once, { by: "COMMAND", runId: "x", roster: [] }, AUTHOR).activations;
    const { activations } = unfreezeAll(twice, AUTHOR);
    const flags = ({ active, freeze, drain, weight }: EntryContent) => ({ active, freeze, drain, weight });
    expect(activations.entries.map(flags)).to.deep.equal(before.entries.map(flags));
    expect(activations.version).to.equal(12);
    expect(activations).to.deep.include({ freeze: undefined, held: [] });
  });

  it("writes entries frozen and holds what was asked for", () => {
    const frozen = freezeAll(before, BY_APPLY, AUTHOR).activations;
    const again = writeEntry(frozen, content("b", { active: false, weight: 0.9 }), AUTHOR).activations;
    const fresh = writeEntry(again, content("d", { active: false }), AUTHOR).activations;
    expect(fresh.entries.every((entry) => entry.freeze)).to.equal(true);
    const { activations } = unfreezeAll(fresh, AUTHOR);
    expect(findEntry(activations, "b", "LONG")).to.include({ weight: 0.9, freeze: false });
    expect(findEntry(activations, "d", "LONG")).to.include({ freeze: false });
  });

  it("passes from one freeze to another without an event", () => {
    const frozen = freezeAll(before, BY_APPLY, AUTHOR).activations;
    const taken = takeOverFreeze(frozen, { by: "COMMAND", runId: "halt" });
    expect(taken.freeze).to.deep.equal({ by: "COMMAND", runId: "halt", roster: ["g"], sequence: 6 });
    expect(taken.sequence).to.equal(frozen.sequence);
  });
});

describe("a switch", () => {
  it("activates exactly the target and keeps weights and modes", () => {
    const switched = switchedContents([content("a"), content("b", { active: false, weight: 0.2 })], ["b"]);
    expect(switched).to.deep.equal([content("a", { active: false }), content("b", { weight: 0.2 })]);
  });

  it("switches both sides of a strategy, and lifts freeze and drain of single entries", () => {
    const sides = [
      content("a", { freeze: true, active: false }),
      content("a", { side: "SHORT", drain: true }),
    ];
    const switched = switchedContents(sides, ["a"]);
    expect(switched.map(({ active, freeze, drain }) => [active, freeze, drain])).to.deep.equal([
      [true, false, false],
      [true, false, false],
    ]);
  });

  it("adds strategies without entry behind the others: LONG, weight 1", () => {
    const switched = switchedContents([content("z")], ["a", "z", "b"]);
    expect(switched.map(({ strategyId }) => strategyId)).to.deep.equal(["z", "a", "b"]);
    expect(switched[1]).to.include({ side: "LONG", weight: 1, active: true, effectiveMode: "VALIDATE" });
  });

  it("D30: gives weight 1 to what was off with weight 0, and leaves a chosen 0 of an active entry", () => {
    const off = content("off", { active: false, weight: 0 });
    const on = content("on", { weight: 0 });
    expect(switchedContents([off, on], ["off", "on"]).map(({ weight }) => weight)).to.deep.equal([1, 0]);
  });

  it("needs live permission only for what would trade live", () => {
    const live = content("a", { effectiveMode: "LIVE" });
    expect(needsLive([live])).to.equal(true);
    expect(
      needsLive([
        { ...live, active: false },
        { ...live, drain: true },
      ]),
    ).to.equal(false);
  });
});

describe("acknowledgements", () => {
  it("are missing from whoever is behind, in the roster's order", () => {
    const acks = new Map([
      ["b", 4],
      ["a", 5],
      ["stranger", 9],
    ]);
    expect(missingAcks(["c", "b", "a"], 5, acks)).to.deep.equal(["c", "b"]);
    expect(missingAcks([], 5, acks)).to.deep.equal([]);
  });
});
