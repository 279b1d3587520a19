import { fromBinary, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import { EventSchema as EventV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { EventSchema as EventV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { type DomainEvent, EVENT_TYPES } from "../../../src/domain/events/types.ts";
import { fromStored, toStored } from "../../../src/domain/stored-json.ts";
import { feedPackageV1 } from "../../../src/rpc/v1/control-bus-service.ts";
import { feedPackageV2 } from "../../../src/rpc/v2/control-bus-service.ts";
import { expectGolden } from "../../support/golden.ts";
import { SAMPLES } from "./samples.ts";

/** As the log gives it back, not as it was made. */
function stored(event: DomainEvent) {
  return {
    event: fromStored<DomainEvent>(toStored(event)),
    id: "12-0-0123456789abcdef",
    worldSequence: 5,
  };
}

const jsonV1 = (event: DomainEvent) =>
  toJson(EventV1, fromBinary(EventV1, feedPackageV1.encodeEvent(stored(event))));
const jsonV2 = (event: DomainEvent) =>
  toJson(EventV2, fromBinary(EventV2, feedPackageV2.encodeEvent(stored(event))));

describe("events on the wire", () => {
  for (const [name, event] of Object.entries(SAMPLES)) {
    it(`keeps the v1 shape of ${name}`, () => expectGolden(`events/v1/${name}`, jsonV1(event)));
    it(`keeps the v2 shape of ${name}`, () => expectGolden(`events/v2/${name}`, jsonV2(event)));
  }

  it("has a sample of every type", () => {
    const types = new Set(Object.values(SAMPLES).map((event) => event.type));
    expect([...types]).to.have.members([...EVENT_TYPES]);
  });

  it("gives v1 readers empty metrics and no overlay of a version 2 run (S23)", () => {
    const event = jsonV1(SAMPLES["rebalancing-planned.filled"] as DomainEvent);
    expect(event).to.have.nested.property("rebalancingPlanned.alphaMetrics").that.deep.equals({});
    expect(event).not.to.have.nested.property("rebalancingPlanned.overlayDeltas");
    expect(event).not.to.have.nested.property("rebalancingPlanned.rebalanceIntent");
  });

  it("gives v2 readers empty metrics and no intent of a version 1 run (S23)", () => {
    const event = jsonV2(SAMPLES["rebalancing-planned.version-1"] as DomainEvent);
    expect(event).to.have.property("schemaVersion", 1);
    expect(event).to.have.nested.property("rebalancingPlanned.alphaMetrics").that.deep.equals({});
    expect(event).not.to.have.nested.property("rebalancingPlanned.rebalanceIntent");
  });

  it("gives v2 readers an empty intent of a version 2 run without one (S11)", () => {
    const event = jsonV2(SAMPLES["rebalancing-planned.no-intent"] as DomainEvent);
    expect(event).to.have.nested.property("rebalancingPlanned.rebalanceIntent.meta").that.deep.equals({});
  });

  it("lets an event of a type from a newer process through without payload", () => {
    const { ...unknown } = SAMPLES["bindings-updated"] as DomainEvent;
    const event = jsonV2({ ...unknown, type: "FROM_THE_FUTURE" } as never);
    expect(event).to.deep.include({ id: "12-0-0123456789abcdef", worldSequence: "5" });
    expect(event).not.to.have.property("type");
  });
});
