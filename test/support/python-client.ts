/** Python with grpcio, for tests that call the service from another language. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const PROTOS = join(ROOT, "proto");
const PROTO_PATHS = [PROTOS, join(ROOT, ".thirdparty/protovalidate")];
const IMPORTS = "import grpc, grpc_tools.protoc, google.protobuf";

export interface PythonClient {
  readonly python: string;
  /** Folder with the code generated from the protos. */
  readonly generated: string;
}

/** A Python that can call the service, or why there is none. */
export function preparePython(): PythonClient | string {
  const python = findPython();
  if (python === undefined) return "python3 with grpcio is not here and could not be installed";
  const generated = mkdtempSync(join(tmpdir(), "worldservice-python-"));
  const protos = globSync("**/*.proto", { cwd: PROTOS });
  const made = spawnSync(
    python,
    [
      "-m",
      "grpc_tools.protoc",
      ...PROTO_PATHS.map((path) => `-I${path}`),
      `--python_out=${generated}`,
      `--grpc_python_out=${generated}`,
      ...protos,
      "buf/validate/validate.proto",
    ],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`Python code could not be generated:\n${made.stderr}`);
  return { python, generated };
}

/** The system's, when it has what it takes; else one in a folder of its own, kept for the next run. */
function findPython(): string | undefined {
  if (works("python3")) return "python3";
  const folder = join(tmpdir(), "worldservice-python-venv");
  const own = join(folder, "bin/python");
  if (existsSync(own) && works(own)) return own;
  mkdirSync(folder, { recursive: true });
  const steps: [string, string[]][] = [
    ["python3", ["-m", "venv", folder]],
    [own, ["-m", "pip", "install", "--quiet", "grpcio", "grpcio-tools"]],
  ];
  for (const [command, args] of steps) {
    if (spawnSync(command, args, { stdio: "ignore", timeout: 120_000 }).status !== 0) return undefined;
  }
  return works(own) ? own : undefined;
}

function works(python: string): boolean {
  return spawnSync(python, ["-c", IMPORTS], { stdio: "ignore" }).status === 0;
}
