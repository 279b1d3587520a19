import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect } from "chai";
import { init, parse } from "es-module-lexer";

const ROOT = join(import.meta.dirname, "../..");

/** What each room may import besides itself and packages. `main` and the two halves of `compose` may import everything. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ["domain", []],
  ["settings", []],
  ["ports", ["domain"]],
  ["orchestration", ["domain", "ports"]],
  ["adapters", ["domain", "ports", "settings"]],
  ["rpc", ["domain", "ports", "orchestration", "gen"]],
  // What operators see: metrics, spans, the admin port.
  ["observability", ["ports", "settings"]],
  ["client", ["gen", "domain/alpha"]],
  ["cli", ["gen", "domain/alpha", "client", "settings", "version"]],
  // Parts of the process beside main and compose; no room may import them.
  ["log", ["settings"]],
  ["version", ["package.json"]],
]);

const EVERYTHING = new Set(["main", "compose", "compose-edge"]);

/** Single files with a reason of their own. */
const EXCEPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  // The binary whose `serve` is the server's process itself.
  ["src/cli/worldservice.ts", ["main"]],
  // The outgoing call to a Gateway is a port like any other, and its wire form is ours.
  ["src/adapters/executor/", ["gen"]],
]);

/** The only room that must stay free of Node.js and packages too: it is pure arithmetic and rules. */
const PURE = "domain";

/** All module names that a source imports: static, type-only, re-exported, dynamic. */
function importsOf(source: string): readonly string[] {
  const [imports] = parse(source);
  return imports.flatMap((entry) => {
    if (entry.type === "import-meta") return [];
    // A computed name cannot be judged, and nothing in src has a need for one.
    return [
      entry.specifier === undefined || (entry.type === "dynamic" && entry.glob)
        ? "<computed>"
        : entry.specifier,
    ];
  });
}

/** `domain` for `src/domain/…`, `main` for `src/main.ts`, `gen` for generated code, undefined for a package. */
function roomOf(path: string): string {
  const [top = "", room = ""] = path.split("/");
  return top === "src" ? room.replace(/\.ts$/, "") : top;
}

function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#gen/")) return `gen/${specifier.slice("#gen/".length)}`;
  if (specifier.startsWith("#thirdparty/")) return `thirdparty/${specifier.slice("#thirdparty/".length)}`;
  if (!specifier.startsWith(".")) return undefined;
  return relative(ROOT, join(ROOT, dirname(file), specifier));
}

function isAllowed(file: string, target: string): boolean {
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to || EVERYTHING.has(from)) return true;
  // Generated google.rpc, health and reflection code goes where our own generated code goes.
  if (to === "thirdparty") return isAllowed(file, "gen/");
  const granted = [...EXCEPTIONS].flatMap(([path, rooms]) => (file.startsWith(path) ? rooms : []));
  const allowed = [...(MAY_IMPORT.get(from) ?? []), ...granted];
  return allowed.some((room) => room === to || target.startsWith(`src/${room}/`));
}

/** One line per import that goes in a forbidden direction. */
function violations(files: ReadonlyMap<string, string>): readonly string[] {
  const found: string[] = [];
  for (const [file, source] of files) {
    for (const specifier of importsOf(source)) {
      const target = targetOf(file, specifier);
      const allowed = target === undefined ? roomOf(file) !== PURE : isAllowed(file, target);
      if (!allowed || specifier === "<computed>") found.push(`${file} imports ${target ?? specifier}`);
    }
  }
  return found;
}

function sources(): ReadonlyMap<string, string> {
  const paths = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  return new Map(
    paths.toSorted().map((path) => [`src/${path}`, readFileSync(join(ROOT, "src", path), "utf8")]),
  );
}

describe("import directions", () => {
  before(() => init());

  it("hold for every import in src", () => {
    expect(violations(sources())).to.deep.equal([]);
  });

  it("are known for every room of src", () => {
    const rooms = new Set([...sources().keys()].map(roomOf));
    const unknown = [...rooms].filter((room) => !MAY_IMPORT.has(room) && !EVERYTHING.has(room));
    expect(unknown).to.deep.equal([]);
  });

  const forbidden: readonly (readonly [string, string, string])[] = [
    ["a static import", "src/ports/store.ts", 'import { x } from "../adapters/sqlite/x.ts";'],
    ["a type-only import", "src/domain/plan.ts", 'import type { Store } from "../ports/store.ts";'],
    ["a type-only re-export", "src/domain/plan.ts", 'export type { Store } from "../ports/store.ts";'],
    ["a re-export of everything", "src/settings/x.ts", 'export * from "../domain/errors.ts";'],
    ["an import for its effect", "src/rpc/v1/x.ts", 'import "../../adapters/redis/x.ts";'],
    ["a dynamic import", "src/rpc/errors.ts", 'const x = await import("../compose.ts");'],
    [
      "an import over several lines",
      "src/orchestration/a/b.ts",
      'import {\n  a,\n  b,\n} from "../../rpc/errors.ts";',
    ],
    [
      "generated code through its alias",
      "src/orchestration/a.ts",
      'import { P } from "#gen/worldservice/v1/x_pb.ts";',
    ],
    ["third-party generated code", "src/domain/a.ts", 'import { P } from "#thirdparty/google/rpc/x_pb.ts";'],
    ["anything of Node.js in the domain", "src/domain/clock.ts", 'import { now } from "node:perf_hooks";'],
    ["a package in the domain", "src/domain/x.ts", 'import { create } from "@bufbuild/protobuf";'],
    [
      "more of the domain than the metric specification in the client",
      "src/client/x.ts",
      'import "../domain/errors.ts";',
    ],
    ["main from anywhere but the binary", "src/cli/worldctl.ts", 'import { main } from "../main.ts";'],
    [
      "the process's logger anywhere but in main and compose",
      "src/rpc/x.ts",
      'import { x } from "../log.ts";',
    ],
    ["a computed name", "src/rpc/x.ts", "await import(name);"],
  ];
  for (const [what, file, source] of forbidden) {
    it(`refuse ${what}`, () => {
      expect(violations(new Map([[file, source]]))).to.have.length(1);
    });
  }

  const permitted: readonly (readonly [string, string, string])[] = [
    ["imports within a room", "src/domain/a/b.ts", 'import { x } from "../errors.ts";'],
    [
      "imports along the table",
      "src/adapters/redis/a.ts",
      'import type { Store } from "../../ports/store.ts";',
    ],
    [
      "the metric specification in the client",
      "src/client/a.ts",
      'import { SPEC } from "../domain/alpha/spec.ts";',
    ],
    [
      "everything in compose",
      "src/compose.ts",
      'import { x } from "./adapters/sqlite/x.ts"; import "#gen/a_pb.ts";',
    ],
    [
      "what only looks like an import",
      "src/domain/a.ts",
      '// import "../rpc/x.ts"\nconst a = `import "../rpc/x.ts"`;',
    ],
  ];
  for (const [what, file, source] of permitted) {
    it(`allow ${what}`, () => {
      expect(violations(new Map([[file, source]]))).to.deep.equal([]);
    });
  }
});
