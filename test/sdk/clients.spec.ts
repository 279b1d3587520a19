import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startServer, type TestServer } from "../support/server.ts";
import { type Environment, go, java, python, ROOT, run, Unavailable } from "./toolchains.ts";

/** The first run installs and compiles; later ones take seconds. */
const LIMIT_MS = 180_000;

interface Language {
  readonly name: string;
  /** Makes the toolchain ready. */
  readonly prepare: () => Promise<Environment>;
  /** Runs the example against a server. */
  readonly example: (address: string, runId: string, env: Environment) => Promise<string>;
}

const LANGUAGES: readonly Language[] = [
  {
    name: "python",
    prepare: python,
    example: (address, runId, env) =>
      run("python3", ["examples/clients/python/client.py", address, runId], env),
  },
  {
    name: "go",
    prepare: go,
    example: (address, runId, env) =>
      run("go", ["run", ".", address, runId], env, join(ROOT, "examples/clients/go")),
  },
  {
    name: "java",
    prepare: java,
    example: (address, runId, env) => {
      const goals = ["compile", "exec:java", `-Dexec.args=${address} ${runId}`];
      return run("mvn", ["-q", "-B", "-f", "examples/clients/java/pom.xml", ...goals], env);
    },
  },
];

/** What became of one language: the SDK's place as told, and what the example printed; or why it was not tried. */
type Outcome = { readonly told: string; readonly printed: string } | { readonly skipped: string };

async function tryOut({ name, prepare, example }: Language, address: string): Promise<Outcome> {
  try {
    const env = await prepare();
    const told = await run(process.execPath, ["scripts/gen-sdk.ts", "--lang", name], env);
    return { told, printed: await example(address, `${name}-${randomUUID()}`, env) };
  } catch (error) {
    if (error instanceof Unavailable) return { skipped: error.message };
    throw error;
  }
}

describe("a client of another language", () => {
  let server: TestServer;
  const outcomes = new Map<string, Promise<Outcome>>();

  // All at once: what each installs and compiles the first time takes longer than everything else together.
  before(async () => {
    server = await startServer({ compat_rebalance_v2: true });
    for (const language of LANGUAGES) {
      const outcome = tryOut(language, `127.0.0.1:${server.port}`);
      outcome.catch(() => {}); // is told by the test of the language
      outcomes.set(language.name, outcome);
    }
  });
  after(async () => {
    await Promise.allSettled(outcomes.values());
    await server.stop();
  });

  for (const { name } of LANGUAGES) {
    it(`is generated with local plugins, plans, upserts and follows the feed: ${name}`, async function () {
      const outcome = await outcomes.get(name);
      if (outcome === undefined || "skipped" in outcome) {
        console.error(`    ${name} is not tried: ${outcome?.skipped}`);
        return this.skip();
      }
      expect(outcome.told).to.contain(`The ${name} SDK is in gen-sdk/${name}.`);
      expect(outcome.printed.replaceAll("\u001b[0m", "").trim().split("\n")).to.deep.equal([
        "capabilities: schema version 2",
        "plan: alpha XLK -200",
        "feed: worldservice.main",
        "upsert: replayed false",
        "upsert again: replayed true",
        "event: alpha now has 0.4 of the book",
      ]);
    }).timeout(LIMIT_MS);
  }
});

describe("gen:sdk", () => {
  const nothing = { PATH: "/nonexistent" };

  for (const [lang, file] of [
    ["cpp", "worldservice/v2/rebalance_service.grpc.pb.h"],
    ["ruby", "worldservice/v2/rebalance_service_services_pb.rb"],
  ] as const) {
    it(`generates a stub of every service where its plugins are: ${lang}`, async function () {
      try {
        await run(process.execPath, ["scripts/gen-sdk.ts", "--lang", lang], process.env);
      } catch (error) {
        const { stderr = "" } = error as { stderr?: string };
        if (!stderr.includes("these are missing on PATH")) throw error;
        console.error(`    ${lang} is not tried: ${stderr.trim()}`);
        return this.skip();
      }
      expect(readFileSync(join(ROOT, "gen-sdk", lang, file), "utf8")).to.contain("PlanRebalance");
    }).timeout(60_000);
  }

  const failure = (args: readonly string[], env: Environment = nothing) =>
    run(process.execPath, ["scripts/gen-sdk.ts", ...args], env).then(
      () => expect.fail("it did not fail"),
      (error: unknown) => (error as { stderr: string }).stderr,
    );

  it("names what to install when a plugin is missing", async () => {
    expect(await failure(["--lang", "go"])).to.match(/protoc-gen-go: install .*go install .*@v1/);
    expect(await failure(["--lang", "python"])).to.contain("pip install grpcio grpcio-tools");
    expect(await failure(["--lang", "java"])).to.contain("protoc-gen-grpc-java: install");
  });

  it("names the languages it knows", async () => {
    expect(await failure(["--lang", "cobol"])).to.contain("there are python, go, java, cpp, ruby");
    expect(await failure([])).to.contain("--lang <python, go, java, cpp, ruby>");
  });
});
