import { createHash } from "node:crypto";
import { getEventListeners } from "node:events";
import { expect } from "chai";
import type { LogEntry } from "../../../src/ports/event-log.ts";
import { commit, type OpenBook, putOf, refusalOf, useBook } from "./fixture.ts";

/** The chain hash by its definition, on purpose not by the code under test. */
function recompute(entry: LogEntry, revision: number, previousHash: string): string {
  const payload = JSON.stringify(entry.events.map(({ worldId, body }) => [worldId, body]));
  const digest = createHash("sha256").update(payload, "utf8").digest("hex");
  const sequences = entry.events.map(({ worldSequence }) => worldSequence).join(",");
  return createHash("sha1")
    .update(`${previousHash}|${revision}|${digest}|${sequences}`, "utf8")
    .digest("hex");
}

/** What every event log must do. `open` hands out a new, empty book each time. */
export function eventLogContract(name: string, open: OpenBook): void {
  describe(`event log on ${name}`, () => {
    const book = useBook(open);

    async function commitMany(count: number, worldId = "alpha"): Promise<void> {
      for (let n = 0; n < count; n += 1) await commit(book(), { events: [{ worldId, body: `{"n":${n}}` }] });
    }

    it("starts empty, at revision 0 with an empty hash", async () => {
      const window = await book().log.window();
      expect(window.head).to.deep.equal({ revision: 0, hash: "" });
      expect(window.floor).to.deep.equal({ revision: 0, hash: "" });
      expect(window.storeId)
        .to.equal(book().store.info.storeId)
        .and.match(/^[0-9a-f]{32,}$/);
      expect(await book().log.hashAt(0)).to.equal("");
      expect(await book().log.hashAt(1)).to.equal(undefined);
      expect(await book().log.readAfter(0, 10)).to.deep.equal([]);
    });

    it("keeps the events of one commit together, in their order", async () => {
      const bodies = ["one", "two", "three"].map((text) => JSON.stringify({ text }));
      const { sequences } = await commit(book(), {
        events: [
          { worldId: "alpha", body: bodies[0] ?? "" },
          { worldId: "beta", body: bodies[1] ?? "" },
          { worldId: "alpha", body: bodies[2] ?? "" },
        ],
      });
      expect(sequences).to.deep.equal([1, 1, 2]);
      const entries = await book().log.readAfter(0, 10);
      expect(entries).to.have.length(1);
      expect(entries[0]?.events).to.deep.equal([
        { worldId: "alpha", worldSequence: 1, body: bodies[0] },
        { worldId: "beta", worldSequence: 1, body: bodies[1] },
        { worldId: "alpha", worldSequence: 2, body: bodies[2] },
      ]);
    });

    it("has an entry for a commit without events, too", async () => {
      await commit(book(), { puts: [putOf("world", "alpha", "{}")] });
      const [entry] = await book().log.readAfter(0, 10);
      expect(entry?.revision).to.equal(1);
      expect(entry?.events).to.deep.equal([]);
    });

    it("numbers each world's events without gap or repeat while many commit at once", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 120 }, (_, n) =>
          commit(book(), {
            events: Array.from({ length: (n % 3) + 1 }, (_, k) => ({
              worldId: `w${(n + k) % 4}`,
              body: "{}",
            })),
          }),
        ),
      );
      const entries = await book().log.readAfter(0, 1_000);
      expect(entries.map(({ revision }) => revision)).to.deep.equal(
        Array.from({ length: 120 }, (_, n) => n + 1),
      );
      const newest = new Map<string, number>();
      for (const { events } of entries) {
        for (const { worldId, worldSequence } of events) {
          expect(worldSequence).to.equal((newest.get(worldId) ?? 0) + 1);
          newest.set(worldId, worldSequence);
        }
      }
      for (const { revision, hash, sequences } of outcomes) {
        const entry = entries[revision - 1];
        expect(entry?.hash).to.equal(hash);
        expect(entry?.events.map(({ worldSequence }) => worldSequence)).to.deep.equal(sequences);
      }
    });

    it("chains every commit to the one before by the published formula", async () => {
      await commit(book(), { events: [{ worldId: "한국 {|,}", body: '{"é":"😀"}' }] });
      await commit(book(), {});
      await commit(book(), {
        events: [
          { worldId: "10", body: '"a|b"' },
          { worldId: "2", body: "{}" },
          { worldId: "10", body: "[]" },
        ],
      });
      let previousHash = "";
      for (const [index, entry] of (await book().log.readAfter(0, 10)).entries()) {
        expect(entry.previousHash).to.equal(previousHash);
        expect(entry.hash).to.equal(recompute(entry, index + 1, previousHash));
        expect(await book().log.hashAt(index + 1)).to.equal(entry.hash);
        previousHash = entry.hash;
      }
      expect((await book().log.window()).head).to.deep.equal({ revision: 3, hash: previousHash });
    });

    it("reads in pages behind any revision", async () => {
      await commitMany(7);
      const pages = [
        await book().log.readAfter(0, 3),
        await book().log.readAfter(3, 3),
        await book().log.readAfter(6, 3),
      ];
      expect(pages.map((page) => page.map(({ revision }) => revision))).to.deep.equal([
        [1, 2, 3],
        [4, 5, 6],
        [7],
      ]);
      expect(await book().log.readAfter(7, 3)).to.deep.equal([]);
      expect(await book().log.readAfter(99, 3)).to.deep.equal([]);
    });

    describe("trimming", () => {
      it("moves the floor, keeps its hash and drops what lies at or below it", async () => {
        await commitMany(6);
        const before = await book().log.readAfter(0, 10);
        const hash = before[3]?.hash;
        const window = await book().log.trimTo(4);
        expect(window.floor).to.deep.equal({ revision: 4, hash });
        expect(window.head.revision).to.equal(6);
        expect(await book().log.window()).to.deep.equal(window);
        expect(await book().log.hashAt(4)).to.equal(hash);
        expect(await book().log.hashAt(3)).to.equal(undefined);
        expect(await book().log.hashAt(5)).to.equal(before[4]?.hash);
        expect(await book().log.hashAt(7)).to.equal(undefined);
      });

      it("serves from the floor on and refuses below it: floor - 2, - 1, 0, + 1", async () => {
        await commitMany(6);
        await book().log.trimTo(4);
        for (const revision of [2, 3]) {
          const error = await refusalOf(book().log.readAfter(revision, 10), "CURSOR_COMPACTED");
          expect(error.metadata.earliest_revision).to.equal("4");
        }
        expect((await book().log.readAfter(4, 10)).map(({ revision }) => revision)).to.deep.equal([5, 6]);
        expect((await book().log.readAfter(5, 10)).map(({ revision }) => revision)).to.deep.equal([6]);
      });

      it("does nothing when repeated, sent backwards or at 0", async () => {
        await commitMany(5);
        const window = await book().log.trimTo(3);
        expect(await book().log.trimTo(3)).to.deep.equal(window);
        expect(await book().log.trimTo(1)).to.deep.equal(window);
        expect(await book().log.trimTo(0)).to.deep.equal(window);
      });

      it("stops at the head, and the chain goes on from there", async () => {
        await commitMany(3);
        const { head, floor } = await book().log.trimTo(1_000);
        expect(floor).to.deep.equal(head);
        expect(await book().log.readAfter(3, 10)).to.deep.equal([]);
        await commitMany(1);
        const [entry] = await book().log.readAfter(3, 10);
        expect(entry?.previousHash).to.equal(head.hash);
        expect(entry?.hash).to.equal(entry && recompute(entry, 4, head.hash));
        expect(entry?.events[0]?.worldSequence).to.equal(4);
      });

      it("trims many entries while others commit", async () => {
        await Promise.all(
          Array.from({ length: 2_500 }, () => commit(book(), { events: [{ worldId: "a", body: "1" }] })),
        );
        const [window] = await Promise.all([book().log.trimTo(2_400), commitMany(5, "a")]);
        expect(window.floor.revision).to.equal(2_400);
        const entries = await book().log.readAfter(2_400, 1_000);
        expect(entries.at(-1)?.events[0]?.worldSequence).to.equal(2_505);
        expect(entries).to.have.length(105);
      });
    });

    describe("waiting", () => {
      it("is over at once when there is something behind", async () => {
        await commitMany(2);
        await book().log.waitAfter(1, new AbortController().signal);
      });

      it("wakes everybody with the commit they wait for, and keeps no listener", async () => {
        await commitMany(1);
        const { signal } = new AbortController();
        const waits = Array.from({ length: 20 }, () => book().log.waitAfter(1, signal));
        await new Promise((resolve) => setTimeout(resolve, 20));
        await commitMany(1);
        await Promise.all(waits);
        expect(getEventListeners(signal, "abort")).to.deep.equal([]);
        expect(await book().log.readAfter(1, 1)).to.have.length(1);
      });

      it("ends when its signal aborts, before or while waiting, and keeps no listener", async () => {
        await book().log.waitAfter(0, AbortSignal.abort());
        const controller = new AbortController();
        const other = new AbortController();
        const waits = [
          book().log.waitAfter(0, controller.signal),
          book().log.waitAfter(5, controller.signal),
        ];
        const remaining = book().log.waitAfter(0, other.signal);
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.abort();
        await Promise.all(waits);
        expect(getEventListeners(controller.signal, "abort")).to.deep.equal([]);
        await commitMany(1);
        await remaining;
        expect(getEventListeners(other.signal, "abort")).to.deep.equal([]);
      });

      it("misses nothing between looking and waiting", async () => {
        const { signal } = new AbortController();
        const writing = commitMany(200);
        let seen = 0;
        while (seen < 200) {
          await book().log.waitAfter(seen, signal);
          const entries = await book().log.readAfter(seen, 50);
          seen = entries.at(-1)?.revision ?? seen;
        }
        await writing;
        expect(seen).to.equal(200);
      });

      it("ends when the store is closed", async () => {
        const waiting = book().log.waitAfter(0, new AbortController().signal);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await book().close();
        await Promise.allSettled([waiting]);
        await refusalOf(book().log.readAfter(0, 1), "STORE_UNAVAILABLE");
      });
    });
  });
}
