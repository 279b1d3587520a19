import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { SERVICES } from "../../../src/rpc/routes.ts";
import { ROLES, type Role } from "../../../src/rpc/security/grants.ts";
import { assertRuled, RULES, rpcName, STANDARD_SERVICES } from "../../../src/rpc/security/rules.ts";
import type { TestServer } from "../../support/server.ts";
import { type Declared, declared } from "./declared.ts";
import {
  bearer,
  call,
  FOREIGN,
  type Outcome,
  OWN,
  principalName,
  requestNaming,
  UNKNOWN,
  verdict,
  worldPaths,
} from "./support.ts";
import { PROOFS, type Proof } from "./support-proofs.ts";

/** What a careless comparison might take for the own world. */
const ALMOST_OWN = [
  OWN.toUpperCase(),
  `${OWN} `,
  ` ${OWN}`,
  `${OWN}\0`,
  `${OWN}\u200b`,
  OWN.replace("o", "\u043e"), // a Cyrillic letter
  "*",
  "__proto__",
  "constructor",
];

const METHODS = [...SERVICES, ...STANDARD_SERVICES].flatMap(({ methods }) => methods);
const EVERYTHING = principalName("owner", "*");
/** Where a request names its worlds first; what else it holds does not matter here. */
const MAIN_PATHS = ["worldAllocAfter", "worldAllocations", "worldId", "worldIds"];

/** The ways in which a call can name worlds, and the rights it then needs. */
interface Naming {
  readonly title: string;
  readonly request: JsonObject;
  readonly worlds: readonly string[] | "book";
}

function namings(method: DescMethod): Naming[] {
  const path = worldPaths(method.input).find((names) => names.some((name) => MAIN_PATHS.includes(name)));
  if (path === undefined) return [{ title: "no world", request: {}, worlds: "book" }];
  const only = (world: string) => requestNaming(method, {}, path, world);
  const both = requestNaming(method, only(OWN), path, FOREIGN);
  const isMany = JSON.stringify(both).includes(OWN);
  return [
    { title: "the own world", request: only(OWN), worlds: [OWN] },
    { title: "a foreign world", request: only(FOREIGN), worlds: [FOREIGN] },
    { title: "a world that does not exist", request: only(UNKNOWN), worlds: [UNKNOWN] },
    ...(isMany ? [{ title: "own and foreign worlds", request: both, worlds: [OWN, FOREIGN] }] : []),
    { title: "no world", request: {}, worlds: "book" as const },
  ];
}

function expected(rule: Declared, role: Role, world: string, { worlds }: Naming): "admitted" | "denied" {
  if (rule.role === "public") return "admitted";
  if (ROLES.indexOf(role) < ROLES.indexOf(rule.role)) return "denied";
  if (rule.scope === "any" || world === "*" || rule.scope === "run") return "admitted";
  if (rule.scope === "book" || worlds === "book") return "denied";
  return worlds.every((each) => each === world) ? "admitted" : "denied";
}

for (const [kind, prove] of Object.entries(PROOFS)) {
  describe(`the rights of callers with ${kind}`, () => rightsOfCallers(prove));
}

function rightsOfCallers(prove: () => Proof): void {
  let server: TestServer;
  let proof: Proof;

  before(async () => {
    proof = prove();
    server = await proof.start();
    await write("applied-own", [OWN]);
    await write("applied-foreign", [FOREIGN]);
    await write("applied-both", [OWN, FOREIGN]);
  });
  after(async () => {
    await server.stop();
    proof.end();
  });

  /** One run of each kind over these worlds. */
  async function write(name: string, worlds: readonly string[]): Promise<void> {
    const shares = Object.fromEntries(worlds.map((world) => [world, 0.1]));
    const { applyRebalance } = RebalanceService.method;
    const rebalance = { totalEquity: 1000, worldAllocAfter: shares };
    expect(await as(EVERYTHING, applyRebalance, { runId: name, rebalance })).to.equal("ok");
    const { upsertAllocations } = AllocationService.method;
    const upsert = { runId: `upserted-${name}`, totalEquity: 1000, worldAllocations: shares };
    expect(await as(EVERYTHING, upsertAllocations, upsert)).to.equal("ok");
  }

  function as(name: string, method: DescMethod, request: JsonObject): Promise<Outcome> {
    const { transport, headers } = proof.callerOf(server, name);
    return call(transport, method, request, headers);
  }

  it("are declared for every method, and nothing else", () => {
    expect([...RULES.keys()].toSorted()).to.deep.equal([...declared.keys()].toSorted());
    expect(METHODS.map(rpcName).toSorted()).to.deep.equal([...declared.keys()].toSorted());
  });

  it("end the start of a server with a method that nobody declared", () => {
    const without = new Map(RULES);
    without.delete("worldservice.v1.WorldService/GetWorld");
    expect(() => assertRuled(SERVICES, without)).to.throw(
      /no rule .* worldservice\.v1\.WorldService\/GetWorld/,
    );
    expect(() => assertRuled(SERVICES)).not.to.throw();
  });

  for (const method of METHODS) {
    const rpc = rpcName(method);
    const rule = declared.get(rpc);
    if (rule === undefined) continue;

    it(`${rpc}: every role and world as declared`, async () => {
      const wrong: string[] = [];
      for (const naming of namings(method)) {
        for (const role of ROLES) {
          for (const world of [OWN, "*"]) {
            const outcome = await as(principalName(role, world), method, naming.request);
            const want = expected(rule, role, world, naming);
            if (verdict(outcome) !== want) wrong.push(`${role} of ${world}, ${naming.title}: not ${want}`);
          }
        }
      }
      expect(wrong).to.deep.equal([]);
    });

    it(`${rpc}: ${rule.role === "public" ? "answers" : "refuses"} callers without a valid token`, async () => {
      const want = rule.role === "public" ? "admitted" : "refused";
      const token = bearer(EVERYTHING).authorization ?? "";
      const headers = [
        {},
        { authorization: "Bearer wrong" },
        { authorization: token.replace("Bearer ", "Basic ") },
        { authorization: `${token}, ${token}` },
        { authorization: token.slice("Bearer ".length) },
      ];
      for (const header of headers) {
        const { transport } = proof.callerOf(server);
        expect(verdict(await call(transport, method, {}, header)), JSON.stringify(header)).to.equal(want);
      }
    });

    if (rule.scope === "worlds") {
      it(`${rpc}: says the same of a foreign world whether it exists or not`, async () => {
        const [foreign, unknown] = [1, 2].map((at) => namings(method)[at]?.request ?? {});
        const name = principalName("owner", OWN);
        const answers = [await as(name, method, foreign ?? {}), await as(name, method, unknown ?? {})];
        expect(answers[0]).to.deep.equal(answers[1]).and.to.include({ code: Code.PermissionDenied });
      });

      for (const path of worldPaths(method.input)) {
        it(`${rpc}: finds a foreign world in ${path.join(".")}`, async () => {
          const own = namings(method)[0]?.request ?? {};
          for (const world of [FOREIGN, ...ALMOST_OWN]) {
            const smuggled = requestNaming(method, own, path, world);
            const outcome = await as(principalName("owner", OWN), method, smuggled);
            expect(verdict(outcome), JSON.stringify(smuggled)).to.equal("denied");
          }
        });
      }
    }

    if (rule.scope === "run") {
      it(`${rpc}: says the same of a foreign run as of no run`, async () => {
        const name = principalName("owner", OWN);
        const missing = await as(name, method, { runId: "missing" });
        expect(missing).to.include({ code: Code.NotFound, reason: "RUN_NOT_FOUND" });
        for (const runId of [
          "applied-foreign",
          "applied-both",
          "upserted-applied-foreign",
          "upserted-applied-both",
        ]) {
          const answer = await as(name, method, { runId });
          expect(JSON.parse(JSON.stringify(answer).replaceAll(runId, "missing"))).to.deep.equal(
            JSON.parse(JSON.stringify(missing)),
          );
        }
      });
    }
  }

  it("let a scoped reader see a run of its own world", async () => {
    const name = principalName("reader", OWN);
    expect(await as(name, RebalanceService.method.getRebalanceRun, { runId: "applied-own" })).to.equal("ok");
    const { getAllocationRun } = AllocationService.method;
    expect(await as(name, getAllocationRun, { runId: "upserted-applied-own" })).to.equal("ok");
  });
}
