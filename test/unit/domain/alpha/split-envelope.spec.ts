import { expect } from "chai";
import { splitByWorld } from "../../../../src/domain/alpha/split-envelope.ts";
import type { AlphaEnvelope } from "../../../../src/domain/events/types.ts";

const figures = (value: number) => new Map([["alpha_performance.sharpe", value]]);

describe("an envelope split by world", () => {
  it("gives each world its own figures and gaps, and nothing of the others", () => {
    const gap = (worldId: string, strategyId: string) =>
      ({ worldId, strategyId, reason: "NO_SERIES", metrics: [] }) as const;
    const envelope: AlphaEnvelope = {
      perWorld: new Map([
        ["a", figures(1)],
        ["b", figures(2)],
      ]),
      perStrategy: new Map([
        [
          "s",
          new Map([
            ["a", figures(3)],
            ["b", figures(4)],
          ]),
        ],
        ["t", new Map([["b", figures(5)]])],
      ]),
      missing: [gap("a", "s"), gap("b", "")],
    };
    const parts = splitByWorld(envelope);
    expect([...parts.keys()]).to.deep.equal(["a", "b"]);
    expect(parts.get("a")).to.deep.equal({
      perWorld: new Map([["a", figures(1)]]),
      perStrategy: new Map([["s", new Map([["a", figures(3)]])]]),
      missing: [gap("a", "s")],
    });
    expect(parts.get("b")?.perStrategy.get("t")).to.deep.equal(new Map([["b", figures(5)]]));
    expect(parts.get("b")?.missing).to.deep.equal([gap("b", "")]);
  });
});
