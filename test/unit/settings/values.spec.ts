import { expect } from "chai";
import { parseExecutor } from "../../../src/settings/executor-target.ts";
import { showSize, showSpan } from "../../../src/settings/quantities.ts";
import { problems, read, server } from "./support.ts";

const reasonFor = (flag: string, value: string) => problems({ argv: [`--${flag}`, value] })[0]?.reason;

describe("spans", () => {
  for (const [text, ms] of [
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5s", 1_500],
    ["2m", 120_000],
    ["10m", 600_000],
  ] as const) {
    it(`read ${text} as ${ms} milliseconds`, () => {
      expect(read({ argv: ["--lock-ttl", text] }).lockTtlMs).to.equal(ms);
    });
  }

  for (const text of ["5", "5 seconds", "-5s", "5S", "1e3s", "0.0001s", "5s5s", "Infinitys", " 5s"]) {
    it(`refuse "${text}"`, () => {
      expect(reasonFor("lock-ttl", text)).to.equal("is not a span with a unit");
    });
  }

  it("have a smallest and a largest value", () => {
    expect(reasonFor("lock-ttl", "99ms")).to.equal("is less than 100ms");
    expect(reasonFor("lock-ttl", "601s")).to.equal("is more than 10m");
    expect(read({ argv: ["--drain-timeout", "0s"] }).drainTimeoutMs).to.equal(0);
  });

  it("are shown in the largest unit that keeps them whole", () => {
    expect([0, 250, 5_000, 90_000, 7_200_000].map(showSpan)).to.deep.equal([
      "0ms",
      "250ms",
      "5s",
      "90s",
      "2h",
    ]);
  });
});

describe("sizes", () => {
  for (const [text, bytes] of [
    ["4096", 4_096],
    ["4096B", 4_096],
    ["1.5KiB", 1_536],
    ["64 MiB", 67_108_864],
    ["1GiB", 2 ** 30],
  ] as const) {
    it(`read ${text} as ${bytes} bytes`, () => {
      expect(read({ argv: ["--max-message-bytes", text] }).maxMessageBytes).to.equal(bytes);
    });
  }

  it("refuse decimal units, fractions of a byte and what is out of range", () => {
    expect(reasonFor("max-message-bytes", "1MB")).to.equal("is not a size");
    expect(reasonFor("max-message-bytes", "1024.5")).to.equal("is not a size");
    expect(reasonFor("max-message-bytes", "1023")).to.equal("is less than 1 KiB");
    expect(reasonFor("max-message-bytes", "2GiB")).to.equal("is more than 1 GiB");
  });

  it("are shown in the largest unit that keeps them whole", () => {
    expect([0, 1_023, 1_536, 2 ** 20].map(showSize)).to.deep.equal(["0 B", "1023 B", "1536 B", "1 MiB"]);
  });
});

describe("numbers", () => {
  it("may carry their unit", () => {
    const argv = ["--rate-limit", "50/s", "--feed-retention", "10 commits"];
    expect(read({ argv })).to.include({ rateLimitPerSecond: 50, feedRetentionCommits: 10 });
  });

  for (const text of ["", "1.5", "0x10", "1e3", "NaN", "50/m", "9007199254740993"]) {
    it(`that must be whole refuse "${text}"`, () => {
      expect(reasonFor("rate-limit", text)).to.be.a("string");
    });
  }

  for (const text of ["NaN", "Infinity", "1e999", "-1", "1,5"]) {
    it(`that are amounts refuse "${text}"`, () => {
      expect(reasonFor("shared-account-max-gross-notional", text)).to.be.a("string");
    });
  }

  it("refuse YAML's own infinities and not-a-number", () => {
    expect(
      problems({ yaml: server("shared_account_max_net_notional: .nan", "port: .inf", "lock_ttl: .inf") }),
    ).to.have.length(3);
  });
});

describe("hosts", () => {
  for (const host of ["127.0.0.1", "::1", "localhost", "LOCALHOST", "127.9.9.9", "::ffff:127.0.0.1"]) {
    it(`on loopback need no protection: ${host}`, () => {
      expect(read({ argv: ["--host", host] }).host).to.equal(host);
    });
  }

  for (const host of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "example.org",
    "127.0.0.1.example.org",
    "localhost.example.org",
  ]) {
    it(`beyond loopback need protection: ${host}`, () => {
      expect(problems({ argv: ["--host", host] }).map(({ name }) => name)).to.deep.equal(["host"]);
      expect(read({ argv: ["--host", host, "--insecure"] }).host).to.equal(host);
    });
  }

  for (const host of ["300.1.1.1", "a b", "[::1]", "http://a", "a:1", "-a", "a..b", "x".repeat(254)]) {
    it(`refuse ${host.slice(0, 20)}`, () => {
      expect(reasonFor("host", host)).to.include("neither an IP address");
    });
  }
});

describe("the executor setting", () => {
  it("names none, paper or a Gateway", () => {
    expect(parseExecutor("none")).to.deep.equal({ kind: "none" });
    expect(parseExecutor("paper")).to.deep.equal({ kind: "paper" });
    expect(parseExecutor("grpc:gateway.local:443")).to.deep.equal({
      kind: "grpc",
      host: "gateway.local",
      port: 443,
    });
    expect(parseExecutor("grpc:[::1]:443")).to.deep.equal({ kind: "grpc", host: "::1", port: 443 });
  });

  for (const text of [
    "Paper",
    "grpc:",
    "grpc:gateway",
    "grpc:gateway:0",
    "grpc:[gateway]:1",
    "grpc://gateway:1",
    "http://x",
  ]) {
    it(`refuses ${text}`, () => {
      expect(parseExecutor(text)).to.be.a("string");
    });
  }
});
