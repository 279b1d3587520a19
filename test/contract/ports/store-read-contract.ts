import { expect } from "chai";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type AuditEntry, type Doc, LIST_ORDER, type ListQuery } from "../../../src/ports/store.ts";
import { commit, keyOf, ODD_IDS, type OpenBook, putOf, sortedByUtf8, useBook } from "./fixture.ts";

type Listed = ListQuery["kind"];

const BY_ID: Listed = "world";
const NEWEST: Listed = "policy";

/** Follows the pages to the end; `between` runs after each page. */
async function allPages(
  { store }: OpenedStore,
  kind: Listed,
  limit: number,
  between: (page: number, last: Doc) => Promise<void> = async () => {},
): Promise<Doc[]> {
  const found: Doc[] = [];
  for (let page = 0; page < 1_000; page += 1) {
    const last = found.at(-1);
    const after = last && { id: last.key.id, created: last.created };
    const docs = await store.list({ kind, scope: "", limit, ...(after && { after }) });
    expect(docs.length).to.be.at.most(limit);
    found.push(...docs);
    const newest = docs.at(-1);
    if (newest === undefined || docs.length < limit) return found;
    await between(page, newest);
  }
  throw new Error("the pages do not end");
}

function idsOf(docs: readonly Doc[]): string[] {
  return docs.map(({ key }) => key.id);
}

/** Reading: consistency, collections, pages, audit, any id. */
export function storeReadContract(open: OpenBook): void {
  const book = useBook(open);

  describe("read", () => {
    it("answers in the order of the query, repeats and all", async () => {
      await commit(book(), { puts: [putOf("world", "a", "A"), putOf("world", "b", "B")] });
      const keys = [keyOf("world", "b"), keyOf("world", "x"), keyOf("world", "a"), keyOf("world", "b")];
      const collections = [
        { kind: "policy", scope: "" },
        { kind: "world", scope: "" },
      ] as const;
      const result = await book().store.read({ keys, collections });
      expect(result.docs.map((doc) => doc?.body)).to.deep.equal(["B", undefined, "A", "B"]);
      expect(result.collections.map(idsOf)).to.deep.equal([[], ["a", "b"]]);
    });

    it("shows a commit whole or not at all while others commit", async () => {
      const keys = [keyOf("world", "a"), keyOf("world", "b")];
      const collections = [{ kind: "world", scope: "" }] as const;
      const writing = Array.from({ length: 100 }, (_, n) =>
        commit(book(), { puts: keys.map((key) => ({ key, body: String(n) })) }),
      );
      for (let n = 0; n < 50; n += 1) {
        const { docs, head, collections: all } = await book().store.read({ keys, collections });
        expect(docs[0]?.body).to.equal(docs[1]?.body);
        expect(docs[0]?.version ?? 0).to.equal(head.revision);
        expect(all[0]?.map(({ body }) => body)).to.deep.equal(docs.flatMap((doc) => doc?.body ?? []));
      }
      await Promise.all(writing);
    });

    it("tells the number of the newest event of the worlds that were asked for, or of all", async () => {
      const events = ["alpha", "10", "alpha", "2", "__proto__"].map((worldId) => ({ worldId, body: "{}" }));
      await commit(book(), { events });
      await commit(book(), { events: [{ worldId: "alpha", body: "{}" }] });
      const { sequences } = await book().store.read({ keys: [], sequences: ["2", "nobody", "alpha"] });
      expect([...sequences].toSorted()).to.deep.equal([
        ["2", 1],
        ["alpha", 3],
      ]);
      const all = await book().store.read({ keys: [], sequences: "all" });
      expect([...all.sequences].toSorted()).to.deep.equal([
        ["10", 1],
        ["2", 1],
        ["__proto__", 1],
        ["alpha", 3],
      ]);
      expect((await book().store.read({ keys: [] })).sequences.size).to.equal(0);
    });

    it("sorts collections by the UTF-8 bytes of the id", async () => {
      await commit(book(), { puts: ODD_IDS.map((id) => putOf("bindings", id, "{}", "scope")) });
      const { collections } = await book().store.read({
        keys: [],
        collections: [{ kind: "bindings", scope: "scope" }],
      });
      expect(idsOf(collections[0] ?? [])).to.deep.equal(sortedByUtf8(ODD_IDS));
    });
  });

  describe("any id", () => {
    for (const id of ODD_IDS) {
      it(`keeps everything under ${JSON.stringify(id.length > 20 ? `${id.slice(0, 8)}…` : id)} apart and whole`, async () => {
        const body = JSON.stringify({ id });
        const outcome = await commit(book(), {
          claim: { runId: id, fingerprint: id },
          puts: [putOf("run", id, body), putOf("decisions", id, body, id)],
          events: [{ worldId: id, body }],
          audit: [{ worldId: id, body }],
          budget: { name: "allocation", set: [{ member: id, units: 3 }] },
        });
        expect(outcome.sequences).to.deep.equal([1]);
        const run = { key: keyOf("run", id), version: 1, created: 1, body };
        expect(await book().store.findRun(id)).to.deep.equal({ fingerprint: id, run });
        const { docs } = await book().store.read({
          keys: [keyOf("decisions", id, id), keyOf("decisions", id)],
        });
        expect(docs.map((doc) => doc?.key)).to.deep.equal([keyOf("decisions", id, id), undefined]);
        const [entry] = await book().log.readAfter(0, 1);
        expect(entry?.events).to.deep.equal([{ worldId: id, worldSequence: 1, body }]);
        const audit: AuditEntry = { worldId: id, revision: 1, index: 0, body };
        expect(await book().store.listAudit({ worldId: id, limit: 5 })).to.deep.equal([audit]);
        const { lease } = await book().locks.acquire([id], { timeoutMs: 5_000 });
        expect([...lease.fences]).to.deep.equal([[id, 1]]);
        expect((await commit(book(), { lease, release: true })).revision).to.equal(2);
      });
    }
  });

  describe("list", () => {
    const ids = ODD_IDS.filter((id) => id !== "/../");

    /** Several documents per commit, so that creation ties. */
    async function fill(kind: Listed): Promise<void> {
      for (let at = 0; at < ids.length; at += 5) {
        await commit(book(), { puts: ids.slice(at, at + 5).map((id) => putOf(kind, id, "{}")) });
      }
      await commit(book(), {
        puts: [putOf(kind, "other-scope", "{}", "s"), putOf("apply", "other-kind", "{}")],
      });
    }

    for (const limit of [1, 2, 7, 1_000]) {
      it(`pages by id, ${limit} at a time, in the order of UTF-8 bytes`, async () => {
        await fill(BY_ID);
        expect(idsOf(await allPages(book(), BY_ID, limit))).to.deep.equal(sortedByUtf8(ids));
      });

      it(`pages newest first, ${limit} at a time, each document once`, async () => {
        await fill(NEWEST);
        const docs = await allPages(book(), NEWEST, limit);
        expect(sortedByUtf8(idsOf(docs))).to.deep.equal(sortedByUtf8(ids));
        const created = docs.map((doc) => doc.created);
        expect(created).to.deep.equal(created.toSorted((a, b) => b - a));
      });
    }

    it("orders by creation, not by the last change", async () => {
      for (const id of ["a", "b", "c"]) await commit(book(), { puts: [putOf(NEWEST, id, "1")] });
      await commit(book(), { puts: [putOf(NEWEST, "a", "2")] });
      expect(idsOf(await allPages(book(), NEWEST, 2))).to.deep.equal(["c", "b", "a"]);
    });

    it("stays newest first without repeats or holes while documents are added and changed", async () => {
      await fill(NEWEST);
      const docs = await allPages(book(), NEWEST, 4, async (page, last) => {
        await commit(book(), {
          puts: [putOf(NEWEST, `later-${page}`, "{}"), putOf(NEWEST, last.key.id, "changed")],
        });
      });
      expect(sortedByUtf8(idsOf(docs))).to.deep.equal(sortedByUtf8(ids));
    });

    for (const kind of [BY_ID, NEWEST]) {
      it(`goes on behind a document that was deleted meanwhile (${LIST_ORDER[kind]})`, async () => {
        await fill(kind);
        const docs = await allPages(book(), kind, 4, async (_, last) => {
          await commit(book(), { deletes: [last.key] });
        });
        expect(sortedByUtf8(idsOf(docs))).to.deep.equal(sortedByUtf8(ids));
      });
    }

    it("gives nothing for an empty collection", async () => {
      for (const kind of [BY_ID, NEWEST]) {
        expect(await book().store.list({ kind, scope: "nowhere", limit: 3 })).to.deep.equal([]);
      }
    });
  });

  describe("audit", () => {
    it("pages a world's lines in commit order, also across a commit of many lines", async () => {
      for (let n = 0; n < 4; n += 1) {
        const audit = Array.from({ length: 3 }, (_, line) => ({ worldId: "alpha", body: `${n}.${line}` }));
        await commit(book(), { audit: [{ worldId: "beta", body: "b" }, ...audit] });
      }
      const found: AuditEntry[] = [];
      for (let page = 0; page < 10; page += 1) {
        const last = found.at(-1);
        const after = last && { revision: last.revision, index: last.index };
        const lines = await book().store.listAudit({ worldId: "alpha", limit: 2, ...(after && { after }) });
        found.push(...lines);
        if (lines.length < 2) break;
      }
      const expected = ["0", "1", "2", "3"].flatMap((n) => ["0", "1", "2"].map((line) => `${n}.${line}`));
      expect(found.map(({ body }) => body)).to.deep.equal(expected);
      expect(found.map(({ revision, index }) => [revision, index])).to.deep.equal(
        [1, 2, 3, 4].flatMap((revision) => [1, 2, 3].map((index) => [revision, index])),
      );
    });

    it("keeps the book's own log under the empty world id", async () => {
      await commit(book(), {
        audit: [
          { worldId: "", body: "book" },
          { worldId: "alpha", body: "world" },
        ],
      });
      const lines = await book().store.listAudit({ worldId: "", limit: 10 });
      expect(lines).to.deep.equal([{ worldId: "", revision: 1, index: 0, body: "book" }]);
      expect(await book().store.listAudit({ worldId: "nobody", limit: 10 })).to.deep.equal([]);
    });
  });
}
