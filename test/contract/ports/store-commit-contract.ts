import { expect } from "chai";
import type { Lease } from "../../../src/ports/lock-manager.ts";
import type { CommitOutcome, CommitRequest } from "../../../src/ports/store.ts";
import { commit, dump, keyOf, type OpenBook, putOf, refusalOf, useBook } from "./fixture.ts";

const CLAIM = { runId: "run-1", fingerprint: "f1" };
const NO_LEASE: Lease = {
  nonce: "00000000000000000000000000000000",
  fences: new Map([["alpha", 1]]),
  lost: new AbortController().signal,
  release: async () => {},
};

/** One of everything, so that anything a refusal left behind would show. */
function everything(overrides: CommitRequest): CommitRequest {
  return {
    puts: [putOf("allocation", "alpha", "{}", "alpha"), putOf("run", "run-2", "{}")],
    deletes: [keyOf("policy", "alpha")],
    events: [{ worldId: "alpha", body: "{}" }],
    audit: [{ worldId: "alpha", body: "{}" }],
    budget: { name: "allocation", set: [{ member: "alpha", units: 5 }] },
    ...overrides,
  };
}

function kinds(outcomes: readonly CommitOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Commits: numbering, claims, expectations, order of the checks, nothing half-done. */
export function storeCommitContract(open: OpenBook): void {
  const book = useBook(open);

  describe("commit", () => {
    it("numbers commits 1, 2, 3 and moves the head with each", async () => {
      expect((await book().store.read({ keys: [] })).head).to.deep.equal({ revision: 0, hash: "" });
      const first = await commit(book(), { puts: [putOf("world", "alpha", "{}")] });
      const second = await commit(book(), {});
      expect([first.revision, second.revision]).to.deep.equal([1, 2]);
      const { head } = await book().store.read({ keys: [] });
      expect(head).to.deep.equal({ revision: 2, hash: second.hash });
      expect(first.hash)
        .to.match(/^[0-9a-f]{40}$/)
        .and.not.equal(second.hash);
    });

    it("stamps a document with the commits that wrote it first and last", async () => {
      await commit(book(), { puts: [putOf("world", "alpha", "one")] });
      await commit(book(), { puts: [putOf("world", "beta", "x")] });
      await commit(book(), { puts: [putOf("world", "alpha", "two")] });
      const { docs } = await book().store.read({ keys: [keyOf("world", "alpha"), keyOf("world", "none")] });
      expect(docs).to.deep.equal([
        { key: keyOf("world", "alpha"), version: 3, created: 1, body: "two" },
        undefined,
      ]);
    });

    it("forgets a deleted document, and counts its return as a new one", async () => {
      const key = keyOf("world", "alpha");
      await commit(book(), { puts: [{ key, body: "one" }] });
      await commit(book(), { deletes: [key, keyOf("world", "never-there")] });
      expect((await book().store.read({ keys: [key] })).docs).to.deep.equal([undefined]);
      await commit(book(), { expect: [{ key, version: 0 }], puts: [{ key, body: "two" }] });
      const { docs } = await book().store.read({ keys: [key] });
      expect(docs).to.deep.equal([{ key, version: 3, created: 3, body: "two" }]);
    });

    it("keeps scopes and kinds apart", async () => {
      await commit(book(), {
        puts: [putOf("ack", "x", "a", "s"), putOf("ack", "x", "b", ""), putOf("apply", "x", "c", "s")],
      });
      const keys = [
        keyOf("ack", "x", "s"),
        keyOf("ack", "x", ""),
        keyOf("apply", "x", "s"),
        keyOf("ack", "s", "x"),
      ];
      const { docs } = await book().store.read({ keys });
      expect(docs.map((doc) => doc?.body)).to.deep.equal(["a", "b", "c", undefined]);
    });

    it("carries bodies of five million characters in documents, events and audit lines", async () => {
      const body = JSON.stringify("한😀x".repeat(1_250_000));
      await commit(book(), {
        puts: [putOf("run", "big", body)],
        events: [{ worldId: "alpha", body }],
        audit: [{ worldId: "alpha", body }],
      });
      const { docs } = await book().store.read({ keys: [keyOf("run", "big")] });
      const [entry] = await book().log.readAfter(0, 1);
      const [line] = await book().store.listAudit({ worldId: "alpha", limit: 1 });
      expect(docs[0]?.body === body, "document").to.equal(true);
      expect(entry?.events[0]?.body === body, "event").to.equal(true);
      expect(line?.body === body, "audit line").to.equal(true);
    });

    it("keeps the order of commits that are sent without waiting", async () => {
      const attempts = Array.from({ length: 300 }, (_, n) =>
        commit(book(), { puts: [putOf("series", "last", String(n))] }),
      );
      const revisions = (await Promise.all(attempts)).map(({ revision }) => revision);
      expect(revisions).to.deep.equal(Array.from({ length: 300 }, (_, n) => n + 1));
      const { docs } = await book().store.read({ keys: [keyOf("series", "last")] });
      expect(docs[0]?.body).to.equal("299");
    });

    it("refuses one of many that arrive together without touching the others", async () => {
      const stale = { expect: [{ key: keyOf("world", "alpha"), version: 77 }] };
      const outcomes = await Promise.all([
        book().store.commit({ puts: [putOf("world", "a", "1")] }),
        book().store.commit({
          ...stale,
          puts: [putOf("world", "b", "1")],
          events: [{ worldId: "b", body: "{}" }],
        }),
        book().store.commit({ puts: [putOf("world", "c", "1")], events: [{ worldId: "b", body: "{}" }] }),
      ]);
      expect(outcomes.map(({ kind }) => kind)).to.deep.equal(["committed", "stale", "committed"]);
      const { collections } = await book().store.read({
        keys: [],
        collections: [{ kind: "world", scope: "" }],
      });
      expect(collections[0]?.map(({ key }) => key.id)).to.deep.equal(["a", "c"]);
      const entries = await book().log.readAfter(0, 10);
      expect(entries.map(({ revision }) => revision)).to.deep.equal([1, 2]);
      expect(entries[1]?.events.map(({ worldSequence }) => worldSequence)).to.deep.equal([1]);
    });
  });

  describe("expectations", () => {
    const key = keyOf("world", "alpha");

    it("lets exactly one of many changes of the same version through", async () => {
      await commit(book(), { puts: [{ key, body: "0" }] });
      const attempts = Array.from({ length: 50 }, (_, n) =>
        book().store.commit({ expect: [{ key, version: 1 }], puts: [{ key, body: String(n) }] }),
      );
      expect(kinds(await Promise.all(attempts))).to.deep.equal({ committed: 1, stale: 49 });
    });

    it("lets exactly one of many creators through", async () => {
      const attempts = Array.from({ length: 50 }, (_, n) =>
        book().store.commit({ expect: [{ key, version: 0 }], puts: [{ key, body: String(n) }] }),
      );
      expect(kinds(await Promise.all(attempts))).to.deep.equal({ committed: 1, stale: 49 });
    });

    it("names the first document that is not as expected, and its version", async () => {
      await commit(book(), { puts: [{ key, body: "0" }] });
      const other = keyOf("policy", "alpha");
      const request = {
        expect: [
          { key, version: 1 },
          { key: other, version: 4 },
          { key, version: 9 },
        ],
      };
      expect(await book().store.commit(request)).to.deep.equal({ kind: "stale", key: other, version: 0 });
    });

    it("may expect documents that the commit does not write", async () => {
      await commit(book(), { puts: [{ key, body: "0" }] });
      await commit(book(), { expect: [{ key, version: 1 }], puts: [putOf("policy", "alpha", "{}")] });
      const { docs } = await book().store.read({ keys: [key] });
      expect(docs[0]?.version).to.equal(1);
    });
  });

  describe("claims", () => {
    it("replays an equal request with the stored run, whatever it would write now", async () => {
      const body = '{"answer":"\\u0041","n":1.50}';
      await commit(book(), { claim: CLAIM, puts: [putOf("run", CLAIM.runId, body)] });
      const before = await dump(book(), ["alpha"]);
      const outcome = await book().store.commit(everything({ claim: CLAIM }));
      const run = { key: keyOf("run", CLAIM.runId), version: 1, created: 1, body };
      expect(outcome).to.deep.equal({ kind: "replayed", run });
      expect(await dump(book(), ["alpha"])).to.deep.equal(before);
      expect(await book().store.findRun(CLAIM.runId)).to.deep.equal({ fingerprint: "f1", run });
    });

    it("refuses another request under the same id and tells whose it is", async () => {
      await commit(book(), { claim: CLAIM, puts: [putOf("run", CLAIM.runId, "{}")] });
      const before = await dump(book(), ["alpha"]);
      const outcome = await book().store.commit(everything({ claim: { ...CLAIM, fingerprint: "f2" } }));
      const run = { key: keyOf("run", CLAIM.runId), version: 1, created: 1, body: "{}" };
      expect(outcome).to.deep.equal({ kind: "run_reused", fingerprint: "f1", run });
      expect(await dump(book(), ["alpha"])).to.deep.equal(before);
    });

    it("makes one commit of 200 equal ones at once", async () => {
      const body = JSON.stringify({ made: "once" });
      const request: CommitRequest = {
        claim: CLAIM,
        puts: [putOf("run", CLAIM.runId, body)],
        events: [{ worldId: "alpha", body: "{}" }],
        audit: [{ worldId: "alpha", body: "{}" }],
      };
      const outcomes = await Promise.all(Array.from({ length: 200 }, () => book().store.commit(request)));
      expect(kinds(outcomes)).to.deep.equal({ committed: 1, replayed: 199 });
      for (const outcome of outcomes) {
        if (outcome.kind === "replayed") expect(outcome.run?.body).to.equal(body);
      }
      expect((await book().log.window()).head.revision).to.equal(1);
      expect(await book().store.listAudit({ worldId: "alpha", limit: 10 })).to.have.length(1);
    });

    it("lets one of two requests that race for an id have it", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          book().store.commit({
            claim: { runId: "race", fingerprint: `f${n % 2}` },
            puts: [putOf("run", "race", `${n % 2}`)],
          }),
        ),
      );
      expect(kinds(outcomes)).to.deep.equal({ committed: 1, replayed: 19, run_reused: 20 });
    });

    it("keeps a claim that has no run document, and finds no run under it", async () => {
      await commit(book(), { claim: CLAIM });
      expect(await book().store.commit({ claim: CLAIM })).to.deep.equal({ kind: "replayed", run: undefined });
      expect(await book().store.findRun(CLAIM.runId)).to.equal(undefined);
      expect(await book().store.findRun("nobody")).to.equal(undefined);
    });

    it("shows a replay the run as it is now, not as it was", async () => {
      await commit(book(), { claim: CLAIM, puts: [putOf("run", CLAIM.runId, "planned")] });
      await commit(book(), { puts: [putOf("run", CLAIM.runId, "done")] });
      const outcome = await book().store.commit({ claim: CLAIM });
      expect(outcome.kind === "replayed" && outcome.run?.body).to.equal("done");
    });

    it("does not claim an id for a commit that is refused", async () => {
      const outcome = await book().store.commit({
        claim: CLAIM,
        expect: [{ key: keyOf("world", "alpha"), version: 3 }],
      });
      expect(outcome.kind).to.equal("stale");
      expect((await commit(book(), { claim: { ...CLAIM, fingerprint: "f2" } })).revision).to.equal(1);
    });
  });

  describe("the order of the checks", () => {
    const staleExpectation = { expect: [{ key: keyOf("world", "alpha"), version: 9 }] };
    const tooMuch = {
      budget: { name: "allocation", set: [{ member: "alpha", units: 11 }], limit: 10 },
    } as const satisfies CommitRequest;

    const cases: readonly [string, CommitRequest][] = [
      ["replayed", { claim: CLAIM, lease: NO_LEASE, ...staleExpectation, ...tooMuch }],
      [
        "run_reused",
        { claim: { ...CLAIM, fingerprint: "x" }, lease: NO_LEASE, ...staleExpectation, ...tooMuch },
      ],
      [
        "fenced",
        { claim: { runId: "n", fingerprint: "n" }, lease: NO_LEASE, ...staleExpectation, ...tooMuch },
      ],
      ["stale", { claim: { runId: "n", fingerprint: "n" }, ...staleExpectation, ...tooMuch }],
      ["over_budget", { claim: { runId: "n", fingerprint: "n" }, ...tooMuch }],
    ];
    for (const [kind, wrongs] of cases) {
      it(`answers ${kind} before anything that is wrong further down, and changes nothing`, async () => {
        await commit(book(), {
          claim: CLAIM,
          puts: [putOf("run", CLAIM.runId, "{}"), putOf("policy", "alpha", "{}")],
          events: [{ worldId: "alpha", body: "{}" }],
          audit: [{ worldId: "alpha", body: "{}" }],
        });
        const before = await dump(book(), ["alpha"]);
        const outcome = await book().store.commit(everything(wrongs));
        expect(outcome.kind).to.equal(kind);
        expect(await dump(book(), ["alpha"])).to.deep.equal(before);
        expect(await book().store.findRun("n")).to.equal(undefined);
        const next = await commit(book(), { claim: { runId: "n", fingerprint: "other" } });
        expect(next.revision).to.equal(2);
      });
    }
  });

  it("refuses everything after it was closed, and closes twice", async () => {
    const { store, locks, log } = book();
    await store.close();
    await book().close();
    const signal = AbortSignal.timeout(10_000);
    await refusalOf(store.read({ keys: [] }), "STORE_UNAVAILABLE");
    await refusalOf(store.list({ kind: "world", scope: "", limit: 1 }), "STORE_UNAVAILABLE");
    await refusalOf(store.findRun("x"), "STORE_UNAVAILABLE");
    await refusalOf(store.commit({}), "STORE_UNAVAILABLE");
    await refusalOf(store.listAudit({ worldId: "", limit: 1 }), "STORE_UNAVAILABLE");
    await refusalOf(locks.acquire(["alpha"], { timeoutMs: 10_000 }), "STORE_UNAVAILABLE");
    await refusalOf(log.window(), "STORE_UNAVAILABLE");
    await refusalOf(log.readAfter(0, 1), "STORE_UNAVAILABLE");
    await refusalOf(log.waitAfter(0, signal), "STORE_UNAVAILABLE");
  });
}
