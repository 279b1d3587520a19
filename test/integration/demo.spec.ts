import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

const ROOT = join(import.meta.dirname, "../..");

interface Run {
  readonly child: ChildProcess;
  /** Standard output so far. */
  readonly out: () => string;
  readonly err: () => string;
}

function startDemo(temporary: string): Run {
  const child = spawn(process.execPath, ["examples/demo.ts"], {
    cwd: ROOT,
    // Settings of the shell must not reach the demo's server.
    env: { ...process.env, TMPDIR: temporary, WORLDSERVICE_SERVER_COMPAT_REBALANCE_V2: "false" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => {
    out += bytes;
  });
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes;
  });
  return { child, out: () => out, err: () => err };
}

async function exitOf({ child }: Run): Promise<number | null> {
  await once(child, "close");
  return child.exitCode;
}

async function untilReady(run: Run): Promise<number> {
  for (;;) {
    const port = /server ready on 127\.0\.0\.1:(\d+)/.exec(run.out())?.[1];
    if (port !== undefined) return Number(port);
    if (run.child.exitCode !== null) throw new Error(`the demo ended early: ${run.err()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A killed process is gone a moment after the kill, on a busy machine a long one; the test's own time bounds the wait. */
async function untilRefused(port: number): Promise<void> {
  while (await accepts(port)) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("the demo", () => {
  let temporary: string;

  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), "worldservice-test-"));
  });

  afterEach(() => {
    rmSync(temporary, { recursive: true, force: true });
  });

  it("plans, applies and allocates over gRPC, survives its restarts, and leaves nothing behind", async () => {
    const run = startDemo(temporary);
    expect(await exitOf(run), run.err()).to.equal(0);
    expect(run.err()).to.equal("");
    for (const line of [
      "== Plan: 11 US sector ETFs in four worlds",
      "== Plan: five USDT perpetuals, long and short, in three worlds",
      "== Plan: 60/40 in equity and bond ETFs, with an FX leg",
      "worldservice.v1, scaling",
      "worldservice.v2, scaling",
      "worldservice.v2, overlay",
      "worldservice.v2, hybrid",
      "ok grpc-js gets the same plan",
      "ok exactly the worlds and strategies with a series are measured",
      "ok v1: the same call again replays it",
      "ok v2, hybrid: the same call again replays it",
      "ok the same call again is replayed, with the same answer",
      "ok the allocations read back equal",
      "ok what was acknowledged the moment before is there",
      "The demo is complete:",
    ]) {
      expect(run.out()).to.contain(line);
    }
    expect(readdirSync(temporary)).to.deep.equal([]);
  }).timeout(180_000);

  it("prints no colour where standard output is no terminal", async () => {
    const run = startDemo(temporary);
    expect(await exitOf(run), run.err()).to.equal(0);
    expect(run.out()).not.to.contain("\u001b");
  }).timeout(180_000);

  it("leaves no server and no file behind when it is interrupted", async () => {
    const run = startDemo(temporary);
    const port = await untilReady(run);
    run.child.kill("SIGTERM");
    expect(await exitOf(run)).to.equal(1);
    await untilRefused(port);
    expect(readdirSync(temporary)).to.deep.equal([]);
  }).timeout(60_000);

  it("fails with a message when it cannot work", async () => {
    const run = startDemo(join(temporary, "missing"));
    expect(await exitOf(run)).to.equal(1);
    expect(run.err()).to.contain("The demo failed:");
  }).timeout(60_000);
});
