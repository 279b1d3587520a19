/**
 * Writes the protos and types of other projects into the git-ignored `.thirdparty/`: `buf/validate/validate.proto`,
 * which no npm package carries as text, and protobuf-es types of google.rpc, grpc.health and grpc.reflection.
 * npm runs it as `prepare`, so `npm ci` alone leaves everything ready. A second run with the same packages does
 * nothing; `--force` writes everything again.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";

const root = join(import.meta.dirname, "..");
const target = join(root, ".thirdparty");
const stampFile = join(target, "stamp");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** Everything that decides what is written: while none of it changes, the output stands. */
const inputs = [
  "node_modules/@bufbuild/buf/package.json",
  "node_modules/@bufbuild/protobuf/package.json",
  "node_modules/@bufbuild/protoc-gen-es/package.json",
  "node_modules/@bufbuild/protovalidate/package.json",
  "node_modules/@grpc/reflection/package.json",
  "node_modules/google-proto-files/package.json",
  "node_modules/grpc-health-check/package.json",
  "scripts/generate-third-party.ts",
  "scripts/print-proto.ts",
  "scripts/print-proto-options.ts",
  "scripts/third-party/buf.yaml",
  "scripts/third-party/buf.gen.yaml",
];

/** What others import; when one of these is gone, the stamp does not count. */
const outputs = [
  "protovalidate/buf/validate/validate.proto",
  "gen/google/rpc/error_details_pb.ts",
  "gen/google/rpc/status_pb.ts",
  "gen/grpc/reflection/v1/reflection_pb.ts",
  "gen/grpc/reflection/v1alpha/reflection_pb.ts",
  "gen/health/v1/health_pb.ts",
];

function stampOfInputs(): string {
  const missing = inputs.filter((file) => !existsSync(join(root, file)));
  if (missing.length > 0) {
    throw new Error(
      `these files are missing: ${missing.join(", ")}; run \`npm ci\` in the repository's root`,
    );
  }
  const hash = createHash("sha256");
  for (const file of inputs) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function isUpToDate(stamp: string): boolean {
  if (process.argv.includes("--force") || !existsSync(stampFile)) return false;
  return readFileSync(stampFile, "utf8") === stamp && outputs.every((file) => existsSync(join(target, file)));
}

async function writeValidateProto(): Promise<void> {
  // Imported late, so that a missing package is named by stampOfInputs and not by the module loader.
  const [{ createRegistry }, { file_google_protobuf_descriptor }, validate, { printProto }] =
    await Promise.all([
      import("@bufbuild/protobuf"),
      import("@bufbuild/protobuf/wkt"),
      import("@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"),
      import("./print-proto.ts"),
    ]);
  const file = validate.file_buf_validate_validate;
  const path = join(target, "protovalidate", `${file.name}.proto`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, printProto(file, createRegistry(file, file_google_protobuf_descriptor)));
}

function writeTypes(): void {
  const config = join("scripts", "third-party", "buf.yaml");
  const template = join("scripts", "third-party", "buf.gen.yaml");
  const fresh = join(target, "fresh");
  rmSync(fresh, { recursive: true, force: true });
  execFileSync(bin("buf"), ["generate", "--config", config, "--template", template, "--output", fresh], {
    cwd: root,
    // buf and its plugin are Node scripts: they shall run on the Node of node_modules, not on an older one of the system.
    env: { ...process.env, PATH: `${bin("")}${delimiter}${process.env.PATH ?? ""}` },
    stdio: ["ignore", "inherit", "inherit"],
  });
  // Swapped at the end: a run that fails leaves the old types in place.
  rmSync(join(target, "gen"), { recursive: true, force: true });
  renameSync(join(fresh, "gen"), join(target, "gen"));
  rmSync(fresh, { recursive: true });
}

try {
  const stamp = stampOfInputs();
  if (!isUpToDate(stamp)) {
    await writeValidateProto();
    writeTypes();
    writeFileSync(stampFile, stamp);
  }
} catch (error) {
  console.error(
    `Cannot generate the third-party protos: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
}
