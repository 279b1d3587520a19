import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect } from "chai";
import { startServer, type TestServer } from "../support/server.ts";
import { type Environment, go, python, ROOT, run, Unavailable } from "./toolchains.ts";

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
];

for (const { name, prepare, example } of LANGUAGES) {
  describe(`the ${name} client`, () => {
    let server: TestServer;

    beforeEach(async () => {
      server = await startServer({ compat_rebalance_v2: true });
    });
    afterEach(() => server.stop());

    it("is generated with local plugins, plans, upserts and follows the feed", async function () {
      let env: Environment;
      try {
        env = await prepare();
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        console.error(`    the ${name} client is not tried: ${error.message}`);
        return this.skip();
      }
      expect(await run(process.execPath, ["scripts/gen-sdk.ts", "--lang", name], env)).to.contain(
        `The ${name} SDK is in gen-sdk/${name}.`,
      );
      const out = await example(`127.0.0.1:${server.port}`, `${name}-${randomUUID()}`, env);
      expect(out.trim().split("\n")).to.deep.equal([
        "capabilities: schema version 2",
        "plan: alpha XLK -200",
        "feed: worldservice.main",
        "upsert: replayed false",
        "upsert again: replayed true",
        "event: alpha now has 0.4 of the book",
      ]);
    }).timeout(LIMIT_MS);
  });
}

describe("gen:sdk", () => {
  const nothing = { PATH: "/nonexistent" };
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
