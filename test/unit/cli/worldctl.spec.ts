import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { AllocationService } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { type RunOptions, worldctl } from "./support.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PLAN_FILE = join(ROOT, "examples/sector-etfs/v1.json");
const HYBRID_FILE = join(ROOT, "examples/usdt-perpetuals/v2-hybrid.json");

const SHORT_CSV = "world_id,strategy_id,symbol,qty,mark\nalpha\n";

describe("worldctl", () => {
  let server: TestServer;
  let folder: string;

  before(async () => {
    server = await startServer({ compat_rebalance_v2: true });
    folder = mkdtempSync(join(tmpdir(), "worldctl-"));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  const at = (line: string, options?: RunOptions) =>
    worldctl(["--server", `127.0.0.1:${server.port}`, ...line.split(" ")], options);
  const upsert = (runId: string, share: number) =>
    createClient(AllocationService, server.transport).upsertAllocations({
      runId,
      totalEquity: 1,
      worldAllocations: { alpha: share },
    });

  describe("output", () => {
    it("is a coloured table on a terminal, without colour where none is wanted", async () => {
      const colored = await at("capabilities", { isTerminal: true });
      expect(colored.out).to.contain("\u001b[").and.to.contain("SCALING, OVERLAY, HYBRID");
      const plain = await at("capabilities", { isTerminal: true, wantsColor: false });
      expect(plain.out).not.to.contain("\u001b[");
    });

    it("is proto JSON elsewhere, and with --json; --table asks for tables", async () => {
      for (const found of [await at("capabilities"), await at("capabilities --json", { isTerminal: true })]) {
        expect(JSON.parse(found.out)).to.include({ rebalanceSchemaVersion: 2, book: "main" });
      }
      expect((await at("capabilities --table")).out)
        .to.contain("│ book ")
        .and.not.to.contain("\u001b[");
    });

    it("lists runs without their whole requests and plans, which the one run shows", async () => {
      const own = await startServer();
      const ask = async (line: string) => (await worldctl(["--server", own.baseUrl, ...line.split(" ")])).out;
      await ask(`apply ${PLAN_FILE} --run-id listed`);
      const out = await ask("runs list --table");
      expect(out).to.contain("│ listed ").and.not.to.contain("worldAllocBefore");
      expect(Math.max(...out.split("\n").map((line) => line.length))).to.be.below(240);
      expect(await ask("runs get listed --table")).to.contain("\nnetted over all worlds\n");
      await own.stop();
    });

    it("shows a plan with worlds, deltas and alpha metrics", async () => {
      const { out } = await at(`plan ${join(ROOT, "examples/sector-etfs/v2.json")} --table`);
      for (const title of ["worlds\n", "deltas\n", "netted over all worlds\n", "alpha metrics\n"]) {
        expect(out).to.contain(`\n${title}`);
      }
    });

    it("makes control characters of others harmless", async () => {
      const { err } = await at("allocations run \u001b[2J");
      expect(err).not.to.contain("\u001b");
    });
  });

  describe("input", () => {
    it("is the same plan from a file, standard input, YAML, and CSV positions with flags", async () => {
      const document = JSON.parse(readFileSync(PLAN_FILE, "utf8"));
      const csv = join(ROOT, "examples/sector-etfs/positions.csv");
      const { positions: _rows, ...rest } = document;
      const plans = await Promise.all([
        at(`plan ${PLAN_FILE}`),
        at("plan -", { input: JSON.stringify(document) }),
        at("plan -", { input: JSON.stringify({ rebalance: document }) }),
        at(`plan - --positions ${csv}`, { input: JSON.stringify(rest) }),
      ]);
      const [first, ...others] = plans.map(({ code, out, err }) => ({
        code,
        plan: out && JSON.parse(out),
        err,
      }));
      expect(first?.code, first?.err).to.equal(0);
      for (const other of others) expect(other).to.deep.equal(first);
    });

    it("is refused before anything is sent when it makes no sense", async () => {
      for (const [line, message] of [
        ["apply -", "a run id is needed"],
        ["allocations upsert -", "a run id is needed"],
        ["execute - --submit", "a run id is needed"],
        ["plan - --positions -", "standard input can be read only once"],
        ["plan missing.json", "cannot read missing.json"],
        ["plan - --before alpha", "not name=value: alpha"],
        ["plan - --equity ten", "option '--equity <amount>' argument 'ten' is invalid. value: not a number"],
        ["plan -", "the total equity is missing: --equity"],
        ["plan short.csv", "short.csv: CSV line 2: 1 values for 5 columns"],
        ["--tls-ca ca.pem capabilities", "is spoken to in cleartext: certificates need https"],
        ["--server https://127.0.0.1:1 --tls-ca missing.pem capabilities", "cannot read missing.pem"],
        ["--server localhost capabilities", "needs a port, as host:port: localhost"],
        ["watch --cursor-file nowhere/cursor", "cannot write nowhere/cursor"],
        ["worlds update alpha", "name at least one field"],
        ["policies create alpha", "either a file or --preset"],
        ["apply-world alpha --run-id x", "either --activate and --deactivate, or --evaluation"],
        ["executions resolve r o", "cannot be taken back"],
        ["activate alpha trend --side up", "Allowed choices are LONG, SHORT"],
        ["watch --type NOTHING", "no kind of event: NOTHING"],
        ["watch --start latest --after-cursor x", "exclude each other"],
        ["completion tcsh", "there are bash, zsh, fish"],
        ["--api v3 plan -", "Allowed choices are auto, v1, v2"],
        ["nonsense", "unknown command"],
        ["plan --nonsense", "unknown option"],
      ] as const) {
        const { code, err, out } = await at(line, { input: "{}", files: { "short.csv": SHORT_CSV } });
        expect(err, line).to.contain(message);
        expect({ code, out }, line).to.deep.equal({ code: 2, out: "" });
      }
    });

    it("names a field that the message does not have", async () => {
      const { code, err } = await at("plan -", { input: '{"totalEqity": 1}' });
      expect(code).to.equal(2);
      expect(err).to.contain("totalEqity");
    });
  });

  describe("versions", () => {
    it("are negotiated: v1 where the gate is off, and what only v2 knows is named", async () => {
      const old = await startServer();
      const ask = (line: string) =>
        worldctl(["--server", old.baseUrl, ...line.split(" ")], { isTerminal: true });
      const plan = await ask(`plan ${PLAN_FILE}`);
      expect({ code: plan.code, err: plan.err }).to.deep.equal({ code: 0, err: "speaking v1 (GATE_OFF)\n" });
      const hybrid = await ask(`plan ${HYBRID_FILE}`);
      expect(hybrid.code).to.equal(2);
      expect(hybrid.err).to.contain("package v1 is spoken");
      const forced = await ask(`plan ${HYBRID_FILE} --api v2`);
      expect(forced.code).to.equal(5);
      expect(forced.err).to.contain("MODE_REQUIRES_V2");
      await old.stop();
    });
  });

  describe("errors", () => {
    it("show reason, fields and what to do next, and set the exit code", async () => {
      const { code, err } = await at("plan - --equity -1", { input: "{}" });
      expect(code).to.equal(2);
      expect(err).to.match(/^worldctl: INVALID_FIELD \(INVALID_ARGUMENT\): /);
      expect(err).to.contain("  rebalance.total_equity: ");
      expect(err).to.contain("next: correct the fields named above");
    });

    it("are JSON with --json", async () => {
      const { err } = await at("allocations run nope --json");
      expect(JSON.parse(err).error).to.deep.include({
        code: "NOT_FOUND",
        reason: "RUN_NOT_FOUND",
        metadata: { run_id: "nope" },
        exitCode: 3,
      });
    });

    it("set 4 for a conflict and 6 where nobody answers", async () => {
      const first = "allocations upsert --run-id one --equity 1 --share alpha=0.1";
      expect((await at(first)).code).to.equal(0);
      const reused = await at(`${first} --min-notional 5`);
      expect(reused.code).to.equal(4);
      expect(reused.err).to.contain("next: take a new run id");
      const absent = await worldctl(["--server", "127.0.0.1:1", "capabilities"]);
      expect(absent.code).to.equal(6);
      expect(absent.err).to.contain("is a server running at 127.0.0.1:1?");
      expect((await worldctl(["--server", "ftp://x", "capabilities"])).code).to.equal(2);
      const plain = await worldctl(["--server", `https://127.0.0.1:${server.port}`, "capabilities"]);
      expect(plain.code).to.equal(1);
      expect(plain.err).to.contain("next: no TLS connection came about");
      const cleartext = await worldctl(["--server", "example.org:1", "--token", "t", "capabilities"]);
      expect(cleartext.err).to.contain("cleartext");
    });
  });

  describe("watch", () => {
    it("tells each event once over several runs with a cursor file", async () => {
      const file = join(folder, "cursor");
      const run = async (limit: number) => {
        const { out, code } = await at(
          `watch alpha --cursor-file ${file} --start EARLIEST --limit ${limit} --json`,
        );
        expect(code).to.equal(0);
        const messages = out
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
        return messages
          .flatMap(({ batch }) => batch?.events ?? [])
          .map((event) => event.allocationUpdated.allocation.runId);
      };
      for (const [index, share] of [0.1, 0.2, 0.3, 0.4].entries()) await upsert(`w-${index}`, share);
      const seen = [...(await run(2)), ...(await run(2)), ...(await run(1))];
      expect(seen).to.deep.equal(["one", "w-0", "w-1", "w-2", "w-3"]);
    });

    it("shows a line per event on a terminal, as it happens, until it is ended", async () => {
      const stop = new AbortController();
      const options: RunOptions = {
        isTerminal: true,
        wantsColor: false,
        signal: stop.signal,
        onOut(text) {
          if (text.startsWith("-- worldservice.main")) void upsert("live", 0.25);
          if (text.includes("0.4 -> 0.25")) stop.abort();
        },
      };
      const { code, out } = await at("watch --type allocation-updated", options);
      expect(code).to.equal(0);
      expect(out).to.match(/ALLOCATION_UPDATED {2,}alpha #\d+ {2}0\.4 -> 0\.25\n$/);
    });

    it("begins with the state where a snapshot is asked for", async () => {
      const stop = new AbortController();
      const options: RunOptions = {
        signal: stop.signal,
        onOut: (text) => {
          if (text.includes('"snapshot"')) stop.abort();
        },
      };
      const { out } = await at("watch --start SNAPSHOT", options);
      const [, second] = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(second.snapshot.worlds[0]).to.include({ worldId: "alpha" });
    });

    it("ends with 2 for a cursor that is none, and says what to do", async () => {
      writeFileSync(join(folder, "bad"), "nonsense\n");
      const { code, err } = await at(`watch --cursor-file ${join(folder, "bad")}`);
      expect(code).to.equal(2);
      expect(err).to.contain("CURSOR_INVALID").and.to.contain("--start snapshot");
    });

    it("ends with 9 for a cursor of another history, and says what to do", async () => {
      const other = await startServer();
      const { out } = await worldctl([
        "--server",
        other.baseUrl,
        "watch",
        "--start",
        "SNAPSHOT",
        "--json",
        "--limit",
        "0",
      ]);
      await other.stop();
      const cursor = JSON.parse(out.split("\n")[0] ?? "").topic.latestCursor;
      const { code, err } = await at(`watch --after-cursor ${cursor}`);
      expect(code).to.equal(9);
      expect(err).to.contain("CURSOR_DIVERGED").and.to.contain("next: take a snapshot");
    });
  });

  describe("help and completion", () => {
    it("show examples with every verb", async () => {
      for (const verb of ["plan", "allocations upsert", "watch", "apply-world", "worlds update"]) {
        const { code, out } = await at(`${verb} --help`);
        expect(code).to.equal(0);
        expect(out).to.contain(`Examples:\n  worldctl ${verb}`);
      }
    });

    for (const [line, offered] of [
      ["worldctl al", ["allocations"]],
      ["worldctl allocations ", ["get", "upsert", "run"]],
      ["worldctl allocations upsert --ex", ["--execute"]],
      ["worldctl --server x worlds cr", ["create"]],
      ["worldctl watch --cursor-f", ["--cursor-file"]],
    ] as const) {
      it(`complete in bash: ${line}`, async () => {
        const { out: script } = await at("completion bash");
        const words = line.split(" ");
        const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
          _worldctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
        const found = execFileSync("bash", ["--norc", "-c", `${script}\n${ask}`], { encoding: "utf8" });
        expect(found.trim().split("\n")).to.include.members([...offered]);
        expect(found).not.to.contain("nothing-of-ours");
      });
    }

    it("complete in fish, with what each word is about", async function () {
      if (spawnSync("fish", ["--version"]).status !== 0) {
        console.error("    fish is not tried: it is not installed");
        return this.skip();
      }
      const { out: script } = await at("completion fish");
      const offered = (line: string) =>
        execFileSync("fish", ["--no-config", "-c", `${script}\ncomplete -C '${line}'`], { encoding: "utf8" });
      expect(offered("worldctl al")).to.contain("allocations\tlook at and set the shares of the book");
      expect(offered("worldctl allocations ")).to.match(/^get\t.*\n(.*\n)*upsert\t/m);
      expect(offered("worldctl allocations upsert --ex")).to.contain("--execute\t");
      expect(offered("worldctl --server x worlds cr")).to.contain("create\t");
      expect(offered("worldctl activate a b --side ")).to.contain("SHORT");
      expect(offered("worldctl allocations ")).not.to.contain("capabilities");
    });

    it("complete in zsh", async function () {
      if (spawnSync("zsh", ["--version"]).status !== 0) {
        console.error("    zsh is not tried: it is not installed");
        return this.skip();
      }
      const { out: script } = await at("completion zsh");
      const ask = `compdef() { }; compadd() { shift; print -l -- "$@" }; _files() { }
        ${script}
        words=(worldctl allocations up); CURRENT=3; _worldctl`;
      const found = execFileSync("zsh", ["-f", "-c", ask], { encoding: "utf8" });
      expect(found).to.contain("upsert");
    });
  });

  it("is a program of its own, which ends quietly when its reader has enough", () => {
    const script = `"${process.execPath}" src/cli/worldctl.ts --server 127.0.0.1:1 --help | head -1`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: ROOT, encoding: "utf8" });
    expect(stdout).to.equal("Usage: worldctl [options] [command]\n");
    expect(stderr).to.equal("");
  });
});
