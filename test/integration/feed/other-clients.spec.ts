/** The same feed, followed by clients that are not ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { batches, capture } from "../../support/feed-capture.ts";
import {
  commit,
  commitMany,
  decisions,
  type FeedServer,
  startFeedServer,
} from "../../support/feed-server.ts";
import { type PythonClient, preparePython } from "../../support/python-client.ts";

const ROOT = join(import.meta.dirname, "../../..");
const EARLIEST = 2;

/** The lines that a program writes, parsed, until it ends or enough have come. */
async function linesOf(
  command: string,
  args: readonly string[],
  isEnough: (line: never) => boolean,
): Promise<never[]> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint = (complaint + String(chunk)).slice(-2_000);
  });
  const ended = once(child, "close");
  const lines: never[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(JSON.parse(line) as never);
    if (isEnough(lines.at(-1) as never)) break;
  }
  child.kill();
  await ended;
  if (lines.length === 0) throw new Error(`${command} said nothing: ${complaint}`);
  return lines;
}

interface Line {
  readonly kind: string;
  readonly cursor: string;
  readonly revision: number;
  readonly events: readonly (readonly [string, number, string])[];
}

describe("the feed, followed from Python", function () {
  this.timeout(180_000);
  let client: PythonClient;
  let server: FeedServer;

  before(function () {
    const found = preparePython();
    if (typeof found === "string") {
      console.log(`    skipped: ${found}`);
      this.skip();
    } else client = found;
  });
  beforeEach(async () => {
    server = await startFeedServer();
  });
  afterEach(() => server.stop());

  const follow = (version: string, cursor: string, count: number): Promise<Line[]> => {
    const script = join(ROOT, "test/support/python/follow_feed.py");
    const args = [script, client.generated, `127.0.0.1:${server.port}`, version, cursor, String(count)];
    return linesOf(client.python, args, () => false);
  };

  for (const version of ["v1", "v2"] as const) {
    it(`gives grpcio what it gives our own client, and goes on from a cursor (${version})`, async () => {
      await commitMany(server.opened, 5, ["w1", "세계"]);
      await commit(server.opened, decisions("w1", "a"), decisions("w2", "b"));
      const lines = await follow(version, "", 6);
      expect(lines[0]?.kind).to.equal("topic");
      const theirs = lines.filter(({ kind }) => kind === "batch");
      const transport = createGrpcTransport({ baseUrl: server.url });
      const ours = await capture(transport, version, { start: EARLIEST }, (seen) => seen.kind === "bookmark");
      expect(
        theirs.map(({ revision, cursor, events }) => [
          revision,
          cursor,
          events.map(([world, sequence]) => [world, sequence]),
        ]),
      ).to.deep.equal(
        batches(ours).map(({ revision, cursor, events }) => [
          revision,
          cursor,
          events.map(({ worldId, worldSequence }) => [worldId, worldSequence]),
        ]),
      );
      expect(theirs[0]?.events[0]?.[2]).to.equal("decisions_updated");
      const rest = await follow(version, theirs[3]?.cursor ?? "", 2);
      expect(rest.filter(({ kind }) => kind === "batch").map(({ revision }) => revision)).to.deep.equal([
        5, 6,
      ]);
    });
  }

  it("tells grpcio why a stream ends", async () => {
    const lines = await follow("v2", "nonsense", 1);
    expect(lines).to.deep.equal([
      { kind: "error", code: "INVALID_ARGUMENT", message: "after_cursor is no cursor of this service" },
    ]);
  });
});

describe("the feed, followed by buf curl", function () {
  this.timeout(60_000);
  let server: FeedServer;

  beforeEach(async () => {
    server = await startFeedServer({ bookmarkIntervalMs: 300 }); // buf prints a message when the next one is there
  });
  afterEach(() => server.stop());

  for (const protocol of ["grpc", "grpcweb", "connect"]) {
    it(`prints every event as it comes (${protocol})`, async () => {
      await commitMany(server.opened, 3, ["w1"]);
      const args = [
        "curl",
        "--schema",
        "proto",
        "--protocol",
        protocol,
        "--http2-prior-knowledge",
        "--data",
        '{"start":"START_POSITION_EARLIEST"}',
        `${server.url}/worldservice.v2.ControlBusService/Subscribe`,
      ];
      const seen = await jsonOf("node_modules/.bin/buf", args, "bookmark");
      expect(seen.slice(0, 5).map((message) => Object.keys(message)[0])).to.deep.equal([
        "topic",
        "batch",
        "batch",
        "batch",
        "bookmark",
      ]);
      expect(seen[1]).to.have.nested.property("batch.events[0].decisionsUpdated.strategies[0]", "c0");
    });
  }

  /** `buf curl` prints each message over several lines. */
  async function jsonOf(command: string, args: readonly string[], last: string): Promise<object[]> {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    let complaint = "";
    child.stderr.on("data", (chunk) => (complaint += String(chunk)));
    const ended = once(child, "close");
    for await (const chunk of child.stdout) {
      text += String(chunk);
      if (text.includes(`"${last}"`) && text.trimEnd().endsWith("}")) break;
    }
    child.kill();
    await ended;
    if (text === "") throw new Error(`buf curl said nothing: ${complaint}`);
    return JSON.parse(`[${text.replaceAll(/^\}\s*^\{/gm, "},{")}]`) as object[];
  }
});
