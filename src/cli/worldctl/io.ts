/** What the command line talks to: a terminal, a pipe, or a test. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

export interface Output {
  readonly isTerminal: boolean;
  /** Resolves when the text has left this process, so that what counts on it comes after it. */
  write(text: string): Promise<void>;
}

export interface Io {
  readonly out: Output;
  readonly err: Output;
  /** All of standard input. */
  readInput(): Promise<string>;
  readFile(path: string): Promise<string>;
  /** False where the user wants none (https://no-color.org). */
  readonly wantsColor: boolean;
  /** Aborts when the user ends the command. */
  readonly signal: AbortSignal;
}

/** A mistake in how the command was called or in what it was given: nothing was sent. */
export class UsageError extends Error {}

export function processIo(signal: AbortSignal): Io {
  return {
    out: outputTo(process.stdout),
    err: outputTo(process.stderr),
    readInput: () => text(process.stdin),
    readFile: (path) => readFile(path, "utf8"),
    wantsColor: (process.env.NO_COLOR ?? "") === "",
    signal,
  };
}

function outputTo(stream: NodeJS.WriteStream): Output {
  // `worldctl watch | head` closes the pipe when it has enough: no failure of ours.
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    isTerminal: stream.isTTY === true,
    write: (chunk) =>
      new Promise((resolve) => {
        stream.write(chunk, () => resolve());
      }),
  };
}
