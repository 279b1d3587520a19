import { Code, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { failureOf } from "../edge/support.ts";

const TRANSPORTS = {
  gRPC: createGrpcTransport,
  "gRPC-Web": createGrpcWebTransport,
  Connect: (options: { baseUrl: string }) => createConnectTransport({ ...options, httpVersion: "1.1" }),
};

describe("the deadline of a subscription", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ max_deadline: "1s", bookmark_interval: "200ms" });
  });
  after(() => server.stop());

  for (const [name, open] of Object.entries(TRANSPORTS)) {
    it(`may be longer than that of a unary call, which is refused (${name})`, async () => {
      const transport = open({ baseUrl: server.baseUrl, httpVersion: "2" });
      const long = { timeoutMs: 4_000 };
      const refused = createClient(CapabilityService, transport).getCapabilities({}, long);
      expect((await failureOf(refused)).reason).to.equal("INVALID_FIELD");
      let bookmarks = 0;
      for await (const { message } of createClient(ControlBusService, transport).subscribe({}, long)) {
        // Long after the longest deadline of a unary call.
        if (message.case === "bookmark" && ++bookmarks === 8) break;
      }
      expect(bookmarks).to.equal(8);
    });

    it(`ends it when it is short (${name})`, async () => {
      const transport = open({ baseUrl: server.baseUrl, httpVersion: "2" });
      const read = async () => {
        const stream = createClient(ControlBusService, transport).subscribe({}, { timeoutMs: 300 });
        for await (const _ of stream);
      };
      expect((await failureOf(read())).code).to.equal(Code.DeadlineExceeded);
    });
  }
});
