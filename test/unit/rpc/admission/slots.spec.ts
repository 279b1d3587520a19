import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import { createSlots, type Slots } from "../../../../src/rpc/admission/slots.ts";

describe("slots", () => {
  const { signal } = new AbortController();
  let had: number[] = [];
  let givers: (() => void)[] = [];

  beforeEach(() => {
    had = [];
    givers = [];
  });

  function take(slots: Slots, count: number): void {
    for (let n = 0; n < count; n++) {
      slots.take(signal)?.then((giveBack) => {
        had.push(n);
        givers.push(giveBack);
      });
    }
  }

  it("gives out so many places at most, first come first served", async () => {
    const slots = createSlots(2, 10);
    take(slots, 5);
    await nextTurn();
    expect(had).to.deep.equal([0, 1]);
    givers.shift()?.();
    await nextTurn();
    expect(had).to.deep.equal([0, 1, 2]);
  });

  it("gives out no more than so many in one turn of the event loop, and goes on in the next", async () => {
    const slots = createSlots(100, 100, 3);
    take(slots, 8);
    await Promise.resolve();
    expect(had).to.deep.equal([0, 1, 2]);
    const turns: number[] = [];
    while (had.length < 8) {
      await nextTurn();
      turns.push(had.length);
    }
    expect(had).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(turns.every((count, at) => count - (turns[at - 1] ?? 3) <= 3)).to.equal(true);
  });

  it("counts places that were given back in the same turn, too", async () => {
    const slots = createSlots(1, 100, 2);
    slots.take(signal)?.then((giveBack) => giveBack());
    slots.take(signal)?.then((giveBack) => giveBack());
    await Promise.resolve();
    await Promise.resolve();
    let isGiven = false;
    slots.take(signal)?.then(() => {
      isGiven = true;
    });
    await Promise.resolve();
    expect(isGiven).to.equal(false);
    while (!isGiven) await nextTurn();
    expect(slots.isIdle()).to.equal(false);
  });

  it("is full once so many wait, and forgets who leaves", async () => {
    const slots = createSlots(1, 1);
    const leaving = new AbortController();
    take(slots, 1);
    const left = slots.take(leaving.signal);
    expect(slots.take(signal)).to.equal(undefined);
    leaving.abort(new Error("gone"));
    expect(await left?.catch((error: Error) => error.message)).to.equal("gone");
    take(slots, 1);
    await nextTurn();
    givers[0]?.();
    await nextTurn();
    givers[1]?.();
    expect(slots.isIdle()).to.equal(true);
  });
});
