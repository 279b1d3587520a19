import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { command, eventually, expectWhole, openBook, upsert } from "./support.ts";

/** Locks, commits, reads and waits once each. */
async function expectUsable(book: OpenedStore, runId: string): Promise<void> {
  const { revision } = (await book.log.window()).head;
  const woken = book.log.waitAfter(revision, new AbortController().signal);
  woken.catch(() => {}); // should another step fail first, that one tells
  const { lease } = await book.locks.acquire(["alpha"], { timeoutMs: 5_000 });
  expect((await book.store.commit({ ...upsert("alpha", runId), lease, release: true })).kind).to.equal(
    "committed",
  );
  await woken;
  expect(await expectWhole(book, "alpha")).to.equal(revision + 1);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

describe("Redis topologies", () => {
  const servers: RedisServer[] = [];
  let folder: string;

  async function start(config: Record<string, string> = {}): Promise<RedisServer> {
    const server = await startRedis({ config });
    servers.push(server);
    return server;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ws-redis-topology-"));
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  it("logs in and uses the database of the URL", async () => {
    const server = await start({ requirepass: "s3cret" });
    const book = await openBook(`${server.url}/3`);
    try {
      await expectUsable(book, "r1");
      expect(await command(`${server.url}/3`, "DBSIZE")).to.be.greaterThan(0);
      expect(await command(server.url, "DBSIZE")).to.equal(0);
    } finally {
      await book.close();
    }
  });

  it("speaks TLS, and only to a server that the authority vouches for", async () => {
    const { ca, cert, key } = makeCertificates(folder);
    const port = await freePort();
    await start({
      "tls-port": String(port),
      "tls-cert-file": cert,
      "tls-key-file": key,
      "tls-ca-cert-file": ca,
      "tls-auth-clients": "no",
    });
    const url = `rediss://127.0.0.1:${port}`;
    const refused = await openBook(url).catch((error: Error) => error.message);
    expect(refused).to.match(/certificate/);
    const book = await openBook(url, { tls: { ca: readFileSync(ca, "utf8") } });
    try {
      await expectUsable(book, "r1");
    } finally {
      await book.close();
    }
  });

  it("shows the client's certificate where Redis asks for one", async () => {
    const { ca, cert, key } = makeCertificates(folder);
    const port = await freePort();
    await start({
      "tls-port": String(port),
      "tls-cert-file": cert,
      "tls-key-file": key,
      "tls-ca-cert-file": ca,
    });
    const [authority, certificate, secret] = [ca, cert, key].map((file) => readFileSync(file, "utf8"));
    const url = `rediss://127.0.0.1:${port}`;
    const tls = { ca: authority ?? "" };
    const refused = await openBook(url, { tls }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Error);
    const book = await openBook(url, { tls: { ...tls, cert: certificate ?? "", key: secret ?? "" } });
    try {
      await expectUsable(book, "r1");
    } finally {
      await book.close();
    }
  });

  it("finds the node of a Cluster that owns the book, whichever it asks", async () => {
    const busPort = String(await freePort());
    const first = await start({ "cluster-enabled": "yes", "cluster-port": String(await freePort()) });
    const second = await start({ "cluster-enabled": "yes", "cluster-port": busPort });
    const nodes = [first, second];
    await command(first.url, "CLUSTER", "ADDSLOTSRANGE", "0", "8191");
    await command(second.url, "CLUSTER", "ADDSLOTSRANGE", "8192", "16383");
    await command(first.url, "CLUSTER", "MEET", "127.0.0.1", String(second.port), busPort);
    await eventually(async () => {
      for (const { url } of nodes)
        expect(await command(url, "CLUSTER", "INFO")).to.contain("cluster_state:ok");
    });
    const counts: number[] = [];
    for (const book of ["one", "two", "three", "four"]) {
      const opened = await openBook(`redis+cluster://127.0.0.1:1,127.0.0.1:${first.port}`, { book });
      try {
        await expectUsable(opened, "r1");
      } finally {
        await opened.close();
      }
    }
    for (const { url } of nodes) counts.push(Number(await command(url, "DBSIZE")));
    expect(Math.min(...counts), "both nodes own books").to.be.greaterThan(0);
  });

  it("follows the Sentinels to the new master after a failover", async () => {
    const master = await start({ "repl-diskless-sync-delay": "0" });
    const replica = await start({ replicaof: `127.0.0.1 ${master.port}` });
    await eventually(async () => {
      expect(String(await command(master.url, "INFO", "replication"))).to.match(/state=online/);
    });
    const sentinel = await startSentinel(folder, master.port);
    const url = `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/mymaster`;
    const book = await openBook(url);
    try {
      await expectUsable(book, "r1");
      await eventually(async () => {
        expect(await command(sentinel.url, "SENTINEL", "REPLICAS", "mymaster")).to.have.lengthOf(1);
      });
      await eventually(async () => {
        expect(await command(replica.url, "HGET", "ws:{main}:meta", "revision")).to.equal("1");
      });
      await eventually(() => command(sentinel.url, "SENTINEL", "FAILOVER", "mymaster"));
      await eventually(async () => {
        expect(String(await command(replica.url, "ROLE"))).to.match(/^master/);
      });
      await master.kill();
      const outcome = await eventually(() => book.store.commit(upsert("alpha", "r2")));
      expect(outcome.kind).to.be.oneOf(["committed", "replayed"]);
      expect(await expectWhole(book, "alpha")).to.equal(2);
      expect(await command(replica.url, "HGET", "ws:{main}:meta", "revision")).to.equal("2");
    } finally {
      await book.close();
      await sentinel.stop();
    }
  }).timeout(40_000);
});

/** An authority, and a certificate for 127.0.0.1 that it signed; paths of PEM files. */
function makeCertificates(folder: string): { ca: string; cert: string; key: string } {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe", cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
  );
  openssl("req", ...newKey, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=redis");
  writeFileSync(file("extensions"), "subjectAltName=IP:127.0.0.1\n");
  const signing = [
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    "extensions",
  ];
  openssl("x509", "-req", "-in", "server.csr", ...signing, "-out", "server.pem");
  return { ca: file("ca.pem"), cert: file("server.pem"), key: file("server.key") };
}

async function startSentinel(folder: string, masterPort: number) {
  const port = await freePort();
  const file = join(folder, "sentinel.conf");
  const watch = `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`;
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\n${watch}\nsentinel down-after-milliseconds mymaster 1000\n`,
  );
  const child = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
  const url = `redis://127.0.0.1:${port}`;
  await eventually(() => command(url, "PING"));
  return {
    url,
    port,
    async stop() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
