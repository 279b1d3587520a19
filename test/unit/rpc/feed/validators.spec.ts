import { expect } from "chai";
import type { LogEntry } from "../../../../src/ports/event-log.ts";
import { encodeCursor } from "../../../../src/rpc/feed/cursor.ts";
import type { Seen, StreamCapture } from "../../../support/feed-capture.ts";
import { violations } from "../../../support/feed-validators.ts";

/** Five commits: odd ones of w1, even ones of w1 and w2. */
const TRUTH: LogEntry[] = [1, 2, 3, 4, 5].map((revision) => ({
  revision,
  hash: "",
  previousHash: "",
  events: [
    { worldId: "w1", worldSequence: revision, body: "" },
    ...(revision % 2 === 0 ? [{ worldId: "w2", worldSequence: revision / 2, body: "" }] : []),
  ],
}));

const cursor = (revision: number) => encodeCursor({ storeId: "s", revision, hash: "" });

function batch(revision: number, events = TRUTH[revision - 1]?.events ?? []): Seen {
  const seen = events.map(({ worldId, worldSequence }, at) => ({
    id: `${revision}-${at}`,
    type: 1,
    worldId,
    worldSequence,
  }));
  return { kind: "batch", cursor: cursor(revision), revision, events: seen };
}

const bookmark = (revision: number): Seen => ({ kind: "bookmark", cursor: cursor(revision), revision });

function stream(afterRevision: number | undefined, ...seen: Seen[]): StreamCapture {
  return { afterCursor: afterRevision === undefined ? "" : cursor(afterRevision), seen, end: undefined };
}

const promisesBroken = (...streams: StreamCapture[]) =>
  [...new Set(violations([{ name: "s", streams }], TRUTH).map((text) => text.split(":")[0]))].sort();

describe("the validators of the feed", () => {
  it("find nothing in a capture that is right", () => {
    const first = stream(0, batch(1), batch(2), bookmark(2), batch(3));
    expect(promisesBroken(first, stream(3, batch(4), batch(5), bookmark(5)))).to.deep.equal([]);
  });

  it("find a missing commit", () => {
    expect(promisesBroken(stream(0, batch(1), batch(3)))).to.deep.equal(["reliable"]);
  });

  it("find a resume that skips, or begins too early", () => {
    expect(promisesBroken(stream(0, batch(1)), stream(1, batch(3)))).to.include("resumable");
    expect(promisesBroken(stream(0, batch(1), batch(2)), stream(2, batch(2)))).to.include.members([
      "resumable",
      "unique",
    ]);
  });

  it("find a repeat and a wrong order", () => {
    expect(promisesBroken(stream(0, batch(1), batch(1)))).to.include.members(["ordered", "unique"]);
    expect(promisesBroken(stream(0, batch(2), batch(1)))).to.include("ordered");
  });

  it("find a commit that came in part", () => {
    expect(promisesBroken(stream(1, batch(2, TRUTH[1]?.events.slice(1))))).to.deep.equal(["atomic"]);
  });

  it("find a bookmark ahead of an event, and one that goes back", () => {
    expect(promisesBroken(stream(0, batch(1), bookmark(2), batch(2)))).to.deep.equal(["bookmarkable"]);
    expect(promisesBroken(stream(0, batch(1), bookmark(2)))).to.deep.equal(["bookmarkable"]);
    expect(promisesBroken(stream(2, bookmark(1)))).to.deep.equal(["bookmarkable"]);
  });

  it("know what a filter lets pass", () => {
    const worlds = new Set(["w2"]);
    const only = (revision: number) => batch(revision, TRUTH[revision - 1]?.events.slice(1));
    const right = { name: "s", worlds, streams: [stream(0, only(2), bookmark(3), only(4), bookmark(5))] };
    expect(violations([right], TRUTH)).to.deep.equal([]);
    const wrong = { name: "s", worlds, streams: [stream(0, bookmark(3))] };
    expect(violations([wrong], TRUTH)).to.have.length(1);
  });
});
