import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { failureOf, PLAN_PATH, until } from "../edge/support.ts";
import { endProcesses, type ServerProcess, startedProcess } from "./support.ts";

const FAULT = join(import.meta.dirname, "fault-on-signal.ts");

describe("the server process, after an error that nobody caught", () => {
  afterEach(endProcesses);

  const started = (fault: string, flags = {}) =>
    startedProcess(flags, { NODE_OPTIONS: `--import=${FAULT}`, TEST_FAULT: fault });

  /** A subscription that is open, and how it ends. */
  async function subscribed({ port }: ServerProcess) {
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
    const received: (string | undefined)[] = [];
    const ended = failureOf(
      (async () => {
        const stream = createClient(ControlBusService, transport).subscribe({});
        for await (const { message } of stream) received.push(message.case);
      })(),
    );
    await until(() => received.length === 2);
    return { received, ended };
  }

  const fatal = ({ lines }: ServerProcess) => lines.filter(({ level }) => level === 60);

  for (const [fault, origin, text] of [
    ["throw", "uncaughtException", "thrown on purpose"],
    ["reject", "unhandledRejection", "rejected on purpose"],
  ] as const) {
    it(`logs it, drains and exits with 1 (${origin})`, async () => {
      const server = await started(fault);
      const { received, ended } = await subscribed(server);
      expect(await server.end("SIGUSR2")).to.equal(1);
      expect(await ended).to.include({ code: Code.Unavailable, reason: "DRAINING" });
      expect(received).to.deep.equal(["topic", "bookmark", "bookmark"]);
      const [line, ...more] = fatal(server);
      expect(more).to.deep.equal([]);
      expect(line).to.include({ origin });
      expect(line?.err).to.include({ message: text });
    });
  }

  it("ends at once on a second one", async () => {
    const server = await started("throw", { drain_timeout: "1m" });
    const caller = connect(server.port, "127.0.0.1");
    // A call that never comes to its end, and so holds the drain up for the whole minute.
    caller.write(`POST ${PLAN_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`);
    caller.write("Content-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    try {
      await once(caller, "data");
      server.child.kill("SIGUSR2");
      await until(() => fatal(server).length === 1);
      expect(await server.end("SIGUSR2")).to.equal(1);
      expect(fatal(server)).to.have.length(2);
    } finally {
      caller.destroy();
    }
  });
});
