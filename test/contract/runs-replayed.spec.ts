import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DescMethodUnary, fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as AllocationV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { RebalanceService as RebalanceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as RebalanceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Client, openClient } from "../support/wire-client.ts";
import { BOOK, OVERLAY, UPSERT } from "./requests.ts";

const METHODS = {
  "v1 apply": RebalanceV1.method.applyRebalance,
  "v2 apply": RebalanceV2.method.applyRebalance,
  "v1 upsert": AllocationV1.method.upsertAllocations,
  "v2 upsert": AllocationV2.method.upsertAllocations,
} as const satisfies Record<string, DescMethodUnary>;
type Name = keyof typeof METHODS;
const NAMES = Object.keys(METHODS) as Name[];

/** Ids that objects would reorder or lose. */
const ODD = { "10": 0.1, "2": 0.1, ["__proto__"]: 0.1, 한국: 0.1 };
const ODD_POSITIONS = ["__proto__", "10", "2", "한국"].flatMap((worldId) => [
  { worldId, strategyId: "10", symbol: "X", qty: 3, mark: 7 },
  { worldId, strategyId: "2", symbol: "__proto__", venue: "", qty: -3, mark: 7 },
]);

const REQUESTS: Record<"apply" | "upsert", Record<string, JsonObject>> = {
  apply: {
    plain: { rebalance: BOOK },
    odd: {
      rebalance: {
        totalEquity: 1000,
        worldAllocBefore: ODD,
        worldAllocAfter: { ...ODD, "2": 0.2 },
        positions: ODD_POSITIONS,
      },
    },
  },
  upsert: { plain: UPSERT, odd: { ...UPSERT, worldAllocations: ODD, positions: ODD_POSITIONS } },
};

function requestsOf(name: Name): Record<string, JsonObject> {
  return REQUESTS[name.endsWith("apply") ? "apply" : "upsert"];
}

interface Heard {
  /** The answer's bytes without `replayed`. */
  readonly bytes: string;
  readonly replayed: boolean;
}

/** `replayed` is the last field of these answers and left out where it is false. */
function heard(method: DescMethodUnary, bytes: Uint8Array): Heard {
  const message = fromBinary(method.output, bytes);
  const replayed = "replayed" in message && message.replayed === true;
  const rest = replayed ? bytes.subarray(0, -2) : bytes;
  return { bytes: Buffer.from(rest).toString("hex"), replayed };
}

async function send(client: Client, method: DescMethodUnary, request: JsonObject): Promise<Heard | string> {
  const bytes = toBinary(method.input, fromJson(method.input, request));
  const reply = await client.call(`/${method.parent.typeName}/${method.name}`, bytes, 10_000);
  return reply.ok ? heard(method, reply.bytes) : reply.reason;
}

describe("a run that is sent again", () => {
  let open: TestServer;
  let client: Client;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true });
    client = openClient(open.port);
  });
  afterEach(async () => {
    client.close();
    await open.stop();
  });

  for (const name of NAMES) {
    for (const [kind, request] of Object.entries(requestsOf(name))) {
      it(`gets the bytes of its first answer, once by once and at once: ${kind} ${name}`, async () => {
        const again = () => send(client, METHODS[name], { ...request, runId: "run-1" });
        const first = (await again()) as Heard;
        expect(first.replayed).to.equal(false);
        for (const seen of [await again(), ...(await Promise.all(Array.from({ length: 20 }, again)))]) {
          expect(seen).to.deep.equal({ bytes: first.bytes, replayed: true });
        }
        expect((await open.server.opened.log.window()).head.revision).to.equal(1);
      });
    }

    it(`is the same request whatever the order of its maps: ${name}`, async () => {
      const reversed = (value: JsonObject): JsonObject => Object.fromEntries(Object.entries(value).reverse());
      const request = requestsOf(name).plain ?? {};
      const mapsOf = (from: JsonObject): JsonObject => ({
        ...from,
        ...(from.worldAllocations ? { worldAllocations: reversed(from.worldAllocations as JsonObject) } : {}),
        ...(from.worldAllocAfter ? { worldAllocAfter: reversed(from.worldAllocAfter as JsonObject) } : {}),
        lotSizeBySymbol: reversed((from.lotSizeBySymbol ?? {}) as JsonObject),
      });
      const turned = request.rebalance
        ? { rebalance: mapsOf(request.rebalance as JsonObject) }
        : mapsOf(request);
      const first = (await send(client, METHODS[name], { ...request, runId: "run-1" })) as Heard;
      const second = await send(client, METHODS[name], { ...turned, runId: "run-1" });
      expect(second).to.deep.equal({ bytes: first.bytes, replayed: true });
    });
  }

  for (const first of NAMES) {
    for (const second of NAMES.filter((name) => name !== first)) {
      it(`belongs to the call that came first: ${first}, then ${second}`, async () => {
        await send(client, METHODS[first], { ...requestsOf(first).plain, runId: "run-1" });
        const refused = await send(client, METHODS[second], { ...requestsOf(second).plain, runId: "run-1" });
        expect(refused).to.equal("RUN_ID_REUSED");
        expect((await open.server.opened.log.window()).head.revision).to.equal(1);
      });
    }
  }

  const CHANGES: Record<string, JsonObject> = {
    equity: { totalEquity: 1_000_000.5 },
    "a share by one unit in the last place": { worldAllocations: { alpha: 0.30000000000000004, beta: 0.3 } },
    "one world more": { worldAllocations: { alpha: 0.3, beta: 0.3, gamma: 0 } },
    "another world": { worldAllocations: { delta: 0.1 }, positions: [] },
    positions: { positions: [] },
    "minimum notional": { minTradeNotional: 51 },
    lots: { lotSizeBySymbol: {} },
    "strategy shares": { strategyAllocAfterTotal: { alpha: { ratios: { trend: 0.1, carry: 0.1 } } } },
    version: { schemaVersion: 1 },
    mode: { overlay: OVERLAY },
    intent: { rebalanceIntent: { meta: { reason: "other" } } },
  };
  for (const [what, change] of Object.entries(CHANGES)) {
    it(`is another request when it changes ${what}`, async () => {
      const method = METHODS["v2 upsert"];
      await send(client, method, { ...UPSERT, runId: "run-1" });
      expect(await send(client, method, { ...UPSERT, ...change, runId: "run-1" })).to.equal("RUN_ID_REUSED");
    });
  }

  it("is answered again although its etags are outdated, and the same without them", async () => {
    const method = METHODS["v2 upsert"];
    const conditional = { ...UPSERT, runId: "run-1", etagByWorld: { alpha: "", beta: "" } };
    const first = (await send(client, method, conditional)) as Heard;
    await send(client, method, { ...UPSERT, runId: "run-2", worldAllocations: { alpha: 0.1 } });
    for (const request of [conditional, { ...UPSERT, runId: "run-1" }]) {
      expect(await send(client, method, request)).to.deep.equal({ bytes: first.bytes, replayed: true });
    }
  });

  it("is free again after a refusal", async () => {
    const method = METHODS["v2 upsert"];
    const stale = { ...UPSERT, runId: "run-1", etagByWorld: { alpha: "sha256:00" } };
    expect(await send(client, method, stale)).to.equal("ETAG_MISMATCH");
    const tooMuch = { ...UPSERT, runId: "run-1", worldAllocations: { alpha: 0.7, beta: 0.7 } };
    expect(await send(client, method, tooMuch)).to.equal("ALLOCATION_SUM_EXCEEDED");
    expect(((await send(client, method, { ...UPSERT, runId: "run-1" })) as Heard).replayed).to.equal(false);
  });
});

describe("a run id of ExecuteRebalance", () => {
  let open: TestServer;
  let client: Client;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true, executor: "paper" });
    client = openClient(open.port);
  });
  afterEach(async () => {
    client.close();
    await open.stop();
  });

  const EXECUTE = { v1: RebalanceV1.method.executeRebalance, v2: RebalanceV2.method.executeRebalance };
  const reasonOf = async (method: DescMethodUnary, request: JsonObject) => {
    const reply = await client.call(
      `/${method.parent.typeName}/${method.name}`,
      toBinary(method.input, fromJson(method.input, request)),
      10_000,
    );
    return reply.ok ? "ok" : reply.reason;
  };

  for (const version of ["v1", "v2"] as const) {
    const execution = { runId: "run-1", rebalance: BOOK, submit: true };

    it(`of ${version} is taken for the other calls`, async () => {
      expect(await reasonOf(EXECUTE[version], execution)).to.equal("ok");
      for (const name of NAMES) {
        const request = { ...requestsOf(name).odd, runId: "run-1" };
        expect(await reasonOf(METHODS[name], request), name).to.equal("RUN_ID_REUSED");
      }
      expect(await reasonOf(EXECUTE[version], execution), "the same again").to.equal("ok");
    });

    it(`of ${version} may not be that of an upsert, nor of another applied request`, async () => {
      await send(client, METHODS["v1 upsert"], { ...UPSERT, runId: "run-1" });
      expect(await reasonOf(EXECUTE[version], execution)).to.equal("RUN_ID_REUSED");
      await send(client, METHODS["v2 apply"], { ...requestsOf("v2 apply").odd, runId: "run-2" });
      expect(await reasonOf(EXECUTE[version], { ...execution, runId: "run-2" })).to.equal("RUN_ID_REUSED");
    });
  }
});

describe("a run that is sent again after a restart", () => {
  const folder = mkdtempSync(join(tmpdir(), "ws-replay-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("gets the bytes of its first answer from the store file", async () => {
    const sendAll = async () => {
      const open = await startServer({
        compat_rebalance_v2: true,
        store: `sqlite:${join(folder, "book.db")}`,
      });
      const client = openClient(open.port);
      try {
        const answers = NAMES.flatMap((name) =>
          Object.entries(requestsOf(name)).map(([kind, request]) =>
            send(client, METHODS[name], { ...request, runId: `${kind} ${name}` }),
          ),
        );
        return (await Promise.all(answers)) as Heard[];
      } finally {
        client.close();
        await open.stop();
      }
    };
    const before = await sendAll();
    const after = await sendAll();
    expect(before.map(({ replayed }) => replayed)).to.deep.equal(before.map(() => false));
    expect(after).to.deep.equal(before.map(({ bytes }) => ({ bytes, replayed: true })));
  });
});
