import { readFile } from "node:fs/promises";
import type { Io, Output } from "../../../src/cli/worldctl/io.ts";
import { runWorldctl } from "../../../src/cli/worldctl/program.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Standard input. */
  readonly input?: string;
  /** Files by name, beside the real ones. */
  readonly files?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly wantsColor?: boolean;
  readonly signal?: AbortSignal;
  /** Told of everything that is written to standard output. */
  readonly onOut?: (text: string) => void;
}

/** Runs one command line in this process. */
export async function worldctl(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { input = "", files = {}, isTerminal = false, wantsColor = true, onOut } = options;
  const written = { out: "", err: "" };
  const output = (name: "out" | "err"): Output => ({
    isTerminal,
    async write(text) {
      written[name] += text;
      if (name === "out") onOut?.(text);
    },
  });
  const named = new Map(Object.entries(files));
  const io: Io = {
    out: output("out"),
    err: output("err"),
    readInput: async () => input,
    readFile: async (path) => named.get(path) ?? readFile(path, "utf8"),
    wantsColor,
    signal: options.signal ?? new AbortController().signal,
  };
  const code = await runWorldctl(argv, io);
  return { code, ...written };
}
