import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import * as v1 from "#gen/worldservice/v1/control_bus_service_pb.ts";
import * as v2 from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { batchFrame, bookmarkFrame, frameOf, messageOf } from "../../../../src/rpc/feed/wire.ts";

const REVISIONS = [1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
const PACKAGES: readonly (readonly [string, DescMessage, DescMessage])[] = [
  ["v1", v1.SubscribeResponseSchema, v1.EventSchema],
  ["v2", v2.SubscribeResponseSchema, v2.EventSchema],
];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

for (const [name, response, event] of PACKAGES) {
  describe(`frames of the feed, ${name}`, () => {
    const encoded = (schema: DescMessage, json: JsonValue) => toBinary(schema, fromJson(schema, json));

    it("are a batch byte for byte as the package writes it", () => {
      for (const revision of REVISIONS) {
        for (const size of [0, 1, 200, 20_000]) {
          const events = [{ id: "x".repeat(size) }, { worldId: "w" }];
          const message = encoded(response, {
            batch: { events, cursor: "cursor", revision: String(revision) },
          });
          const parts = events.map((each) => encoded(event, each));
          expect(hex(batchFrame(parts, Buffer.from("cursor"), revision).frame)).to.equal(
            hex(frameOf(message)),
          );
        }
      }
    });

    it("are a bookmark byte for byte as the package writes it", () => {
      for (const revision of [0, ...REVISIONS]) {
        const message = encoded(response, { bookmark: { cursor: "cursor", revision: String(revision) } });
        expect(hex(bookmarkFrame(Buffer.from("cursor"), revision))).to.equal(hex(frameOf(message)));
      }
    });

    it("show where the events of a batch stand in it", () => {
      const parts = ["a", "bc"].map((id) => encoded(event, { id }));
      const { frame, events } = batchFrame(parts, Buffer.from("c"), 300);
      expect(events.map(hex)).to.deep.equal(parts.map(hex));
      expect(events.every(({ buffer }) => buffer === frame.buffer)).to.equal(true);
      expect(toJson(response, fromBinary(response, messageOf(frame)))).to.have.nested.property(
        "batch.events.length",
        2,
      );
    });
  });
}
