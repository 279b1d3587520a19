/**
 * `npm run gen:sdk -- --lang python`: generates a client SDK from the protos into the git-ignored `gen-sdk/<lang>`, with
 * plugins of this machine only. One template a language: `scripts/sdk/buf.gen.<lang>.yaml`.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "..");

/** A command that must work, and what to install where it does not. */
interface Need {
  readonly command: readonly [string, ...string[]];
  /** Exit codes that mean "it is there"; plugins have no harmless call, so that starting is enough for them. */
  readonly isPlugin?: boolean;
  readonly install: string;
}

const PROTOC: Need = {
  command: ["protoc", "--version"],
  install: "protoc (Debian: apt-get install protobuf-compiler; or from github.com/protocolbuffers/protobuf)",
};

interface Language {
  readonly needs: readonly Need[];
  /** Files beside the generated ones: from `scripts/sdk/` to a name in the output folder. */
  readonly files?: readonly (readonly [from: string, to: string])[];
}

const LANGUAGES: ReadonlyMap<string, Language> = new Map<string, Language>([
  [
    "python",
    {
      needs: [
        {
          command: ["python3", "-c", "import grpc_tools.protoc"],
          install: "grpcio-tools for the python3 on PATH (python3 -m pip install grpcio grpcio-tools)",
        },
      ],
    },
  ],
  [
    "go",
    {
      needs: [
        {
          command: ["protoc-gen-go", "--version"],
          install: "protoc-gen-go (go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.10)",
        },
        {
          command: ["protoc-gen-go-grpc", "--version"],
          install: "protoc-gen-go-grpc (go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0)",
        },
      ],
      files: [["go.mod.template", "go.mod"]],
    },
  ],
  [
    "java",
    {
      needs: [
        PROTOC,
        {
          command: ["protoc-gen-grpc-java"],
          isPlugin: true,
          install:
            "protoc-gen-grpc-java (Maven Central, io.grpc:protoc-gen-grpc-java, the exe for this system)",
        },
      ],
    },
  ],
  [
    "cpp",
    {
      needs: [
        PROTOC,
        {
          command: ["grpc_cpp_plugin"],
          isPlugin: true,
          install: "grpc_cpp_plugin (Debian: apt-get install protobuf-compiler-grpc libgrpc++-dev)",
        },
      ],
    },
  ],
  [
    "ruby",
    {
      needs: [
        PROTOC,
        {
          command: ["grpc_ruby_plugin"],
          isPlugin: true,
          install:
            "grpc_ruby_plugin (Debian: apt-get install protobuf-compiler-grpc; the gem grpc at run time)",
        },
      ],
    },
  ],
]);

/** A problem that the user can mend. */
class SdkError extends Error {}

function main(): void {
  const { values } = parseArgs({ options: { lang: { type: "string" } } });
  const known = [...LANGUAGES.keys()].join(", ");
  if (values.lang === undefined) throw new SdkError(`name a language: --lang <${known}>`);
  const language = LANGUAGES.get(values.lang);
  if (language === undefined) throw new SdkError(`no template for ${values.lang}; there are ${known}`);
  const missing = language.needs.filter((need) => !isThere(need));
  if (missing.length > 0) {
    const lines = missing.map(({ command, install }) => `  ${command[0]}: install ${install}`);
    throw new SdkError(`these are missing on PATH:\n${lines.join("\n")}`);
  }
  generate(values.lang);
  const out = join("gen-sdk", values.lang);
  for (const [from, to] of language.files ?? [])
    copyFileSync(join(ROOT, "scripts/sdk", from), join(ROOT, out, to));
  console.log(`The ${values.lang} SDK is in ${out}.`);
}

function isThere({ command: [name, ...args], isPlugin = false }: Need): boolean {
  // A plugin reads a request from its input and finds none: it fails, but it is there.
  const { error, status } = spawnSync(name, args, {
    cwd: ROOT,
    input: "",
    stdio: ["pipe", "ignore", "ignore"],
  });
  return error === undefined && (isPlugin || status === 0);
}

function generate(lang: string): void {
  if (!existsSync(join(ROOT, ".thirdparty/protovalidate"))) throw new SdkError("run npm ci first");
  const template = join("scripts/sdk", `buf.gen.${lang}.yaml`);
  const { status, error } = spawnSync("buf", ["generate", "--template", template], {
    cwd: ROOT,
    // Behind what the user has on PATH: buf is ours, the plugins are theirs.
    env: { ...process.env, PATH: [process.env.PATH ?? "", join(ROOT, "node_modules/.bin")].join(delimiter) },
    stdio: "inherit",
  });
  if (error !== undefined || status !== 0)
    throw new SdkError(`buf generate failed${error ? `: ${error.message}` : ""}`);
}

try {
  main();
} catch (error) {
  if (!(error instanceof SdkError || error instanceof TypeError)) throw error;
  console.error(`gen:sdk: ${error.message}`);
  process.exitCode = 1;
}
