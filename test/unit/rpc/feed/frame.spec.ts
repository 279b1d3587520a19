import { fromBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { SubscribeResponseSchema } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { toStored } from "../../../../src/domain/stored-json.ts";
import { createFilter, passing } from "../../../../src/rpc/feed/filter.ts";
import { bytesOf, createFrame, encodeFor } from "../../../../src/rpc/feed/frame.ts";
import { messageOf } from "../../../../src/rpc/feed/wire.ts";
import { bindings, decisions } from "../../../support/feed-server.ts";
import { countingEncoder } from "./support.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";

function frameWith(...events: readonly ReturnType<typeof decisions>[]) {
  return createFrame("store", {
    revision: 7,
    hash: HASH,
    previousHash: "",
    events: events.map((event, at) => ({
      worldId: event.worldId,
      worldSequence: at + 1,
      body: toStored(event),
    })),
  });
}

const three = () => frameWith(decisions("w1", "a"), decisions("w2", "b"), bindings("w2", "c"));

describe("a frame of the feed", () => {
  it("encodes every event once per package, whoever asks how often", () => {
    const frame = three();
    const [one, two] = [countingEncoder(), countingEncoder()];
    encodeFor(frame, [one, two]);
    for (let round = 0; round < 3; round++) {
      bytesOf(frame, one, "all");
      bytesOf(frame, one, [0]);
      bytesOf(frame, two, [1, 2]);
    }
    expect(one.encoded).to.deep.equal([
      "7-0-0123456789abcdef",
      "7-1-0123456789abcdef",
      "7-2-0123456789abcdef",
    ]);
    expect(two.encoded).to.have.length(3);
  });

  it("gives the same bytes object to all who want the same", () => {
    const frame = three();
    const encoder = countingEncoder();
    expect(bytesOf(frame, encoder, "all")).to.equal(bytesOf(frame, encoder, "all"));
    expect(bytesOf(frame, encoder, [0, 2])).to.equal(bytesOf(frame, encoder, [0, 2]));
    expect(bytesOf(frame, encoder, [0])).not.to.equal(bytesOf(frame, encoder, [1]));
  });

  it("keeps a bounded number of selections", () => {
    const events = Array.from({ length: 100 }, (_, at) => decisions(`w${at}`, "a"));
    const frame = frameWith(...events);
    const encoder = countingEncoder();
    for (let at = 0; at < 100; at++) bytesOf(frame, encoder, [at]);
    const { weight } = frame;
    bytesOf(frame, encoder, [98]);
    expect(frame.weight).to.equal(weight);
    expect(encoder.encoded).to.have.length(100);
  });

  it("is nothing where nothing passes", () => {
    expect(bytesOf(three(), countingEncoder(), [])).to.equal(undefined);
    expect(bytesOf(frameWith(), countingEncoder(), [])).to.equal(undefined);
  });

  it("is a batch without events for a commit without events", () => {
    const { message } = fromBinary(
      SubscribeResponseSchema,
      messageOf(bytesOf(frameWith(), countingEncoder(), "all") as Buffer),
    );
    expect(message.case).to.equal("batch");
    if (message.case === "batch") expect(message.value.events).to.deep.equal([]);
  });
});

describe("a filter of the feed", () => {
  it("lets pass by world, by type, and by both", () => {
    const at = (worlds: string[], types: Parameters<typeof createFilter>[1]) =>
      passing(createFilter(worlds, types), three());
    expect(at([], [])).to.equal("all");
    expect(at(["w2"], [])).to.deep.equal([1, 2]);
    expect(at(["w1", "w2"], [])).to.equal("all");
    expect(at([], ["BINDINGS_UPDATED"])).to.deep.equal([2]);
    expect(at(["w1"], ["BINDINGS_UPDATED"])).to.deep.equal([]);
    expect(at(["__proto__"], [])).to.deep.equal([]);
    expect(passing(createFilter(["w1"], []), frameWith())).to.deep.equal([]);
  });
});
