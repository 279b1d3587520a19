/**
 * The toolchains of other languages, made ready in `node_modules/.cache/sdk`. Each gives an environment in which
 * `gen:sdk` and the example work, or the reason why there is none here.
 */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export const ROOT = join(import.meta.dirname, "../..");
const CACHE = join(ROOT, "node_modules/.cache/sdk");
const EXAMPLES = join(ROOT, "examples/clients");
/** Longest any single command may take, in milliseconds. */
const COMMAND_MS = 170_000;

const execute = promisify(execFile);

export type Environment = NodeJS.ProcessEnv;

/** Says in words why a language cannot be tried on this machine. */
export class Unavailable extends Error {}

export async function run(
  command: string,
  args: readonly string[],
  env: Environment,
  cwd = ROOT,
): Promise<string> {
  const options = { cwd, env, timeout: COMMAND_MS, maxBuffer: 16 * 1024 * 1024 };
  const { stdout } = await execute(command, [...args], options);
  return stdout;
}

/** Runs a command of the toolchain itself; that it fails says something about the machine, not about us. */
async function need(
  what: string,
  command: string,
  args: readonly string[],
  env: Environment,
): Promise<string> {
  try {
    return await run(command, args, env);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Unavailable(`${what}: ${text.slice(0, 300)}`);
  }
}

function pathWith(...folders: readonly string[]): Environment {
  return { ...process.env, PATH: [...folders, process.env.PATH ?? ""].join(delimiter) };
}

/** Makes `folder` once: a folder that was left half made is made anew. */
async function once(folder: string, inputs: string, make: () => Promise<void>): Promise<void> {
  const stamp = join(folder, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await make();
  writeFileSync(stamp, inputs);
}

/** python3 with the pinned packages of the example, in a virtual environment. */
export async function python(): Promise<Environment> {
  await need(
    "no python3",
    "python3",
    ["-c", "import sys, venv; assert sys.version_info >= (3, 10)"],
    process.env,
  );
  const folder = join(CACHE, "python");
  const requirements = join(EXAMPLES, "python/requirements.txt");
  const env = pathWith(join(folder, "venv/bin"));
  await once(folder, readFileSync(requirements, "utf8"), async () => {
    await need("no venv", "python3", ["-m", "venv", join(folder, "venv")], process.env);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    await need("pip cannot install", "python3", pip, env);
  });
  return { ...env, PYTHONPATH: join(ROOT, "gen-sdk/python"), PYTHONDONTWRITEBYTECODE: "1" };
}

const GO_PLUGINS = [
  "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.10",
  "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0",
];

/** Go with its two plugins. */
export async function go(): Promise<Environment> {
  const version = await need("no go", "go", ["env", "GOVERSION"], { ...process.env, GOTOOLCHAIN: "local" });
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0);
  if (minor < 24) throw new Unavailable(`go 1.24 or newer is needed, this is ${version.trim()}`);
  const folder = join(CACHE, "go");
  const env = { ...pathWith(join(folder, "bin")), GOTOOLCHAIN: "local", GOBIN: join(folder, "bin") };
  await once(folder, GO_PLUGINS.join(), async () => {
    for (const plugin of GO_PLUGINS) await need("go cannot install", "go", ["install", plugin], env);
  });
  return env;
}

const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
/** Executables of Maven Central, and what they must be called on PATH. */
const JAVA_TOOLS = [
  ["com.google.protobuf", "protoc", "4.33.1", "protoc"],
  ["io.grpc", "protoc-gen-grpc-java", "1.76.0", "protoc-gen-grpc-java"],
] as const;

/** A JDK and Maven, with protoc and its plugin from Maven Central. */
export async function java(): Promise<Environment> {
  const version = await need("no JDK", "javac", ["-version"], process.env);
  const major = Number(/^javac (\d+)/.exec(version)?.[1] ?? 0);
  if (major < 17) throw new Unavailable(`a JDK of version 17 or newer is needed, this is ${version.trim()}`);
  await need("no Maven", "mvn", ["-version"], process.env);
  const system = JAVA_SYSTEMS.get(`${process.platform}-${process.arch}`);
  if (system === undefined) throw new Unavailable(`no protoc for ${process.platform}-${process.arch}`);
  const folder = join(CACHE, "java");
  await once(folder, JSON.stringify([JAVA_TOOLS, system]), async () => {
    for (const [group, artifact, tag, name] of JAVA_TOOLS) {
      const wanted = [`-Dartifact=${group}:${artifact}:${tag}:exe:${system}`, `-DoutputDirectory=${folder}`];
      await need("mvn cannot copy", "mvn", ["-q", "-B", COPY, ...wanted], process.env);
      renameSync(join(folder, `${artifact}-${tag}-${system}.exe`), join(folder, name));
      chmodSync(join(folder, name), 0o755);
    }
  });
  return pathWith(folder);
}

const JAVA_SYSTEMS: ReadonlyMap<string, string> = new Map([
  ["linux-x64", "linux-x86_64"],
  ["linux-arm64", "linux-aarch_64"],
  ["darwin-x64", "osx-x86_64"],
  ["darwin-arm64", "osx-aarch_64"],
]);
