import { expect } from "chai";
import { describeStore, parseStore, type StoreTarget } from "../../../src/settings/store-target.ts";

const target = (text: string): StoreTarget => {
  const parsed = parseStore(text);
  if (typeof parsed === "string") throw new Error(`${text} ${parsed}`);
  return parsed;
};
const redis = { kind: "redis", tls: false, username: undefined, password: undefined };

describe("the store setting", () => {
  it("names a file", () => {
    expect(target("sqlite:./data/a b.db")).to.deep.equal({ kind: "sqlite", path: "./data/a b.db" });
    expect(target("sqlite:/var/lib/ws.db")).to.deep.equal({ kind: "sqlite", path: "/var/lib/ws.db" });
  });

  it("names the memory of the process", () => {
    expect(target("memory:")).to.deep.equal({ kind: "memory" });
  });

  it("names one Redis, with defaults for port and database", () => {
    const single = { ...redis, topology: "single" };
    const url = "redis://cache";
    expect(target(url)).to.deep.equal({ ...single, url, host: "cache", port: 6379, database: 0 });
    const full = "rediss://desk:p%40ss%2Fword@[::1]:7000/12";
    const login = { tls: true, username: "desk", password: "p@ss/word" };
    expect(target(full)).to.deep.equal({
      ...single,
      ...login,
      url: full,
      host: "::1",
      port: 7000,
      database: 12,
    });
    expect(target("redis://:secret@cache")).to.deep.include({ username: undefined, password: "secret" });
  });

  it("names nodes of a Redis Cluster", () => {
    const url = "rediss+cluster://u:p@a:7001,b,[::1]:7003";
    const nodes = [
      { host: "a", port: 7001 },
      { host: "b", port: 6379 },
      { host: "::1", port: 7003 },
    ];
    const login = { tls: true, username: "u", password: "p" };
    expect(target(url)).to.deep.equal({ ...redis, ...login, topology: "cluster", url, nodes });
  });

  it("names sentinels and the master they watch", () => {
    const url = "redis+sentinel://a,b:26380/main-master/3";
    const sentinels = [
      { host: "a", port: 26379 },
      { host: "b", port: 26380 },
    ];
    const master = { masterName: "main-master", database: 3 };
    expect(target(url)).to.deep.equal({ ...redis, ...master, topology: "sentinel", url, sentinels });
  });

  for (const text of [
    "sqlite",
    "sqlite:",
    "sqlite::memory:",
    "sqlite:data/",
    "memory",
    "memory:x",
    "postgres://a",
    "redis:",
    "redis://",
    "redis://a:0",
    "redis://a:65536",
    "redis://a:port",
    "redis://a,b",
    "redis://a/x",
    "redis://a/0/1",
    "redis://a?db=1",
    "redis://u:%zz@a",
    "redis://a b",
    "redis+cluster://a/1",
    "redis+cluster://a,,b",
    "redis+sentinel://a",
    "redis+sentinel://a/",
    "redis+sentinel://a/m/x",
    "redis+sentinel://a/m/0/1",
    "redis+ring://a",
  ]) {
    it(`refuses ${text}`, () => {
      expect(parseStore(text)).to.be.a("string");
    });
  }

  it("is shown without its credentials, in a form that reads as the same place", () => {
    const shown = (text: string) => describeStore(target(text));
    expect(shown("redis://u:hunter2@a")).to.equal("redis://***@a:6379/0");
    expect(shown("rediss+cluster://:hunter2@a,[::1]:7")).to.equal("rediss+cluster://***@a:6379,[::1]:7");
    expect(shown("redis+sentinel://a/m")).to.equal("redis+sentinel://a:26379/m/0");
    for (const text of ["sqlite:a.db", "memory:", "redis://a:1/2", "redis+cluster://a:1,b:2"]) {
      expect(shown(text)).to.equal(text);
    }
  });
});
