import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { connectNode } from "../../../src/client/node.ts";

describe("a connection of Node.js programs", () => {
  it("survives being closed right after its session broke, as with a port that speaks HTTP/1.1", async () => {
    const server = http.createServer((_, response) => response.end("not gRPC"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connection = connectNode(`127.0.0.1:${port}`, { timeoutMs: 2_000 });
    const error = await connection.clients.capabilities.getCapabilities({}).catch(ConnectError.from);
    connection.close();
    expect(error).to.be.instanceOf(ConnectError);
    expect((error as ConnectError).code).to.be.oneOf([Code.Internal, Code.Unavailable]);
    // Whatever the session still has to say comes now; uncaught, it would fail the run.
    await sleep(100);
    server.close();
    server.closeAllConnections();
  });

  for (const wrong of ["", "ftp://127.0.0.1", "http://", "a b:1"]) {
    it(`refuses ${JSON.stringify(wrong)} as an address`, () => {
      expect(() => connectNode(wrong)).to.throw(TypeError);
    });
  }
});
