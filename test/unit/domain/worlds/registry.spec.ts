import { expect } from "chai";
import type { WorldFacts } from "../../../../src/domain/events/types.ts";
import {
  assertWorldEtag,
  changeWorld,
  deleteWorld,
  registerWorld,
  type WorldDraft,
} from "../../../../src/domain/worlds/registry.ts";
import {
  activeGate,
  breakerGate,
  liveGate,
  openGate,
  switchesOf,
  UNREGISTERED,
} from "../../../../src/domain/worlds/switches.ts";

const DRAFT: WorldDraft = {
  worldId: "w",
  name: "n",
  description: "",
  owner: "",
  labels: ["x"],
  state: "ACTIVE",
  allowLive: false,
  circuitBreaker: false,
  executionDomain: "BACKTEST",
  ackRoster: [],
};

function world(more: Partial<WorldFacts> = {}): WorldFacts {
  return { ...registerWorld(DRAFT, 0, 1), etag: "e", ...more };
}

describe("the registry of worlds", () => {
  it("registers a world with the default policy and the time that it is told", () => {
    expect(registerWorld(DRAFT, 3, 5)).to.deep.equal({
      ...DRAFT,
      defaultPolicyVersion: 3,
      createdAtMs: 5,
      updatedAtMs: 5,
    });
  });

  it("changes what the patch names and nothing else, never id and creation", () => {
    const changed = changeWorld(world(), { name: "other", circuitBreaker: true }, 9);
    const { etag: _etag, ...before } = world();
    expect(changed).to.deep.equal({ ...before, name: "other", circuitBreaker: true, updatedAtMs: 9 });
  });

  it("refuses LIVE without allow_live, at registration and at every change that would lead there", () => {
    expect(() => registerWorld({ ...DRAFT, executionDomain: "LIVE" }, 0, 1))
      .to.throw()
      .with.property("reason", "LIVE_NOT_ALLOWED");
    const live = world({ executionDomain: "LIVE", allowLive: true });
    expect(() => changeWorld(live, { allowLive: false }, 2))
      .to.throw()
      .with.property("reason", "LIVE_NOT_ALLOWED");
    const both = changeWorld(world(), { executionDomain: "LIVE", allowLive: true }, 2);
    expect(both.executionDomain).to.equal("LIVE");
  });

  it("reaches DELETED through deletion alone, and leaves it never", () => {
    expect(() => changeWorld(world(), { state: "DELETED" }, 2))
      .to.throw()
      .with.property("reason", "INVALID_FIELD");
    const gone = { ...deleteWorld(world(), 3), etag: "f" };
    expect(gone).to.include({ state: "DELETED", name: "n", updatedAtMs: 3 });
    expect(() => changeWorld(gone, { name: "back" }, 4))
      .to.throw()
      .with.property("reason", "WORLD_NOT_FOUND");
  });

  it("checks an etag only where one is given", () => {
    expect(() => assertWorldEtag(world(), "")).not.to.throw();
    expect(() => assertWorldEtag(world(), "e")).not.to.throw();
    expect(() => assertWorldEtag(world(), "old"))
      .to.throw()
      .with.property("reason", "ETAG_MISMATCH");
  });
});

describe("the switches of a world", () => {
  it("of one that was never registered let everything pass but live trading", () => {
    expect(switchesOf(undefined)).to.equal(UNREGISTERED);
    expect(openGate("w", UNREGISTERED)).to.equal(undefined);
    expect(liveGate("w", UNREGISTERED)).to.have.property("reason", "LIVE_NOT_ALLOWED");
  });

  it("say why a gate is shut, the deletion before the breaker", () => {
    const shut = { ...UNREGISTERED, circuitBreaker: true };
    expect(activeGate("w", { ...shut, state: "SUSPENDED" })).to.have.property("reason", "WORLD_SUSPENDED");
    expect(openGate("w", { ...shut, state: "DELETED" })).to.have.property("reason", "WORLD_NOT_FOUND");
    expect(breakerGate("w", shut)).to.have.property("reason", "CIRCUIT_BREAKER_OPEN");
    expect(activeGate("w", shut)).to.equal(undefined);
  });
});
