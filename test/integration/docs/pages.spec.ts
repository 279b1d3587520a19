/** Every code block of the documentation is tried as it stands, page by page, in its order. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, fromJsonString } from "@bufbuild/protobuf";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { file_worldservice_v1_control_bus_service as feedV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { file_worldservice_v2_control_bus_service as feedV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Block, type Page, readPages, serverFlags, whyNotRun } from "./blocks.ts";
import { openWorkshop, type Result, type Workshop } from "./workshop.ts";

/** Each reason is one that no test can help; a block may have no other. */
const REASONS = new Set([
  "builds the site",
  "follows for ever",
  "installs packages",
  "needs a registry with advisories",
  "needs Docker",
  "needs Maven and a JDK",
  "needs a Kubernetes cluster",
  "needs a file of your own",
  "needs grpcurl",
  "runs the tests themselves",
]);

/** What a page without a `sh server` block may expect: the server of Getting started, and an executor. */
const USUAL_SERVER = { compat_rebalance_v2: "true", executor: "paper" };

const MESSAGES = createRegistry(feedV1, feedV2);
const pages = readPages().filter(({ blocks }) => blocks.length > 0);

describe("the code in the documentation", () => {
  let workshop: Workshop;
  let server: TestServer | undefined;
  let redis: RedisServer | undefined;
  let compiled: string;
  /** What the settings files of the page say together: each block leaves out what stands in the others. */
  let settings: Settings;

  before(() => {
    compiled = mkdtempSync(join(tmpdir(), "docs-compiled-"));
  });
  after(() => rmSync(compiled, { recursive: true }));
  beforeEach(() => {
    workshop = openWorkshop(compiled);
  });
  afterEach(async () => {
    await stopServer();
    await redis?.stop();
    redis = undefined;
    workshop.close();
  });

  async function stopServer(): Promise<void> {
    await server?.stop();
    server = undefined;
  }

  async function serve(flags: Readonly<Record<string, string>>): Promise<void> {
    await stopServer();
    server = await startServer({ admin_port: 9464, ...flags });
    const admin = await server.server.admin?.listen("127.0.0.1", 0);
    workshop.addresses.set("127.0.0.1:50051", `127.0.0.1:${server.port}`);
    workshop.addresses.set("127.0.0.1:9464", `127.0.0.1:${admin?.port}`);
  }

  /** A book in the default file and one in Redis, as they are after their servers were stopped. */
  async function leaveBooks(): Promise<void> {
    redis = await startRedis();
    workshop.addresses.set("redis://127.0.0.1:6379", redis.url);
    const file = join(workshop.folder, "data/worldservice.db");
    for (const store of [`sqlite:${file}`, redis.url]) {
      await serve({ store });
      tried(await workshop.run("npx worldctl allocations upsert --run-id a --equity 1 --share alpha=0.5"));
    }
    await stopServer();
  }

  const PREPARED: Readonly<Record<string, () => Promise<void>>> = {
    "docs/en/operations/backup.md": leaveBooks,
  };

  const TRIED: Readonly<Record<string, (block: Block) => Promise<void>>> = {
    sh: async ({ code }) => tried(await workshop.run(code)),
    "sh server": (block) => serve(serverFlags(block)),
    "sh endless": async ({ code }) => {
      const { stdout, stderr } = await workshop.runUntilOutput(code);
      expect(stdout, stderr).to.not.equal("");
    },
    "sh fails": async ({ code }) => {
      const { exitCode, stdout } = await workshop.run(code);
      expect(exitCode, stdout).to.not.be.oneOf([0, undefined]);
    },
    // As it would be for an installed package, but without building one.
    ts: async ({ code }) => {
      tried(
        await workshop.run(
          `cat > program.ts <<'END'\n${code}END\nnode --conditions=worldservice-source program.ts`,
        ),
      );
    },
    json: async ({ mark, code }) => {
      const message = MESSAGES.getMessage(mark);
      if (message === undefined) throw new Error(`no message is called "${mark}"`);
      fromJsonString(message, code);
    },
    yaml: async ({ code }) => {
      const file = join(workshop.folder, "settings.yaml");
      writeFileSync(file, stringify(merged(settings, parse(code))));
      readSettings({ argv: [`--config=${file}`], env: {} });
    },
    // The build of the site draws it, or fails.
    mermaid: async () => undefined,
  };

  async function tryBlock(block: Block): Promise<void> {
    const { language, mark } = block;
    const way = TRIED[`${language} ${mark}`.trim()] ?? (language === "json" ? TRIED.json : undefined);
    if (way === undefined) throw new Error(`nobody knows how to try a block of \`${language} ${mark}\``);
    await way(block);
  }

  async function tryPage({ path, blocks }: Page): Promise<void> {
    const files = blocks.filter(({ language }) => language === "yaml");
    settings = files.reduce((all, { code }) => merged(all, parse(code)), {});
    const prepare = PREPARED[path] ?? (() => serve(USUAL_SERVER));
    await prepare();
    for (const block of blocks.filter((each) => whyNotRun(each) === undefined)) {
      await tryBlock(block).catch((cause: unknown) => {
        throw new Error(`${path}:${block.line}: ${(cause as Error).message}`, { cause });
      });
    }
  }

  for (const page of pages) {
    it(`does what ${page.path} says`, () => tryPage(page)).timeout(120_000);
    for (const block of page.blocks) {
      const reason = whyNotRun(block);
      // A pending test, so that what is not run is counted and named.
      if (reason !== undefined) it(`is not run: ${page.path}:${block.line} (${reason})`);
    }
  }

  it("is left out for known reasons only, and each of them is still needed", () => {
    const given = pages.flatMap(({ blocks }) => blocks.flatMap((block) => whyNotRun(block) ?? []));
    expect([...new Set(given)].toSorted()).to.deep.equal([...REASONS].toSorted());
  });
});

interface Settings {
  readonly worldservice?: { readonly server?: Readonly<Record<string, unknown>> };
}

function merged(before: Settings, after: Settings): Settings {
  return { worldservice: { server: { ...before.worldservice?.server, ...after.worldservice?.server } } };
}

function tried({ exitCode, stdout, stderr }: Result): void {
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stdout}${stderr}`);
}
