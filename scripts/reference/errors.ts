/** The table of reference/errors.md: every reason of the contract with the code under which the server sends it. */
import { Code } from "@connectrpc/connect";
import { ErrorReasonSchema } from "../../gen/worldservice/v1/error_reason_pb.ts";
import { CODE_BY_REASON } from "../../src/rpc/errors.ts";
import { markdownTable } from "../generated-block.ts";
import type { ErrorText } from "./error-texts.ts";
import type { Words } from "./markdown.ts";

/** Reasons that the RPC layer gives itself, beside those of the domain. */
const OF_THE_EDGE: Readonly<Record<string, Code>> = {
  INTERNAL: Code.Internal,
  UNIMPLEMENTED: Code.Unimplemented,
  CANCELED: Code.Canceled,
};

/**
 * @param comments comment of each value of ErrorReason, by reason without prefix: `CODE: …. Metadata: …. …`.
 * @throws Error when a reason has no text, or its comment promises another code than the server sends.
 */
export function errorsText(
  comments: ReadonlyMap<string, string>,
  texts: ReadonlyMap<string, ErrorText>,
  words: Words,
): string {
  const rows = reasons().map((reason) => {
    const text = texts.get(reason);
    if (text === undefined) throw new Error(`scripts/reference/error-texts.ts lacks the reason ${reason}`);
    const [code, comment] = [codeOf(reason), comments.get(reason) ?? ""];
    if (!comment.startsWith(`${code}:`)) {
      throw new Error(`${reason} is sent as ${code}, and its comment in the proto says: ${comment}`);
    }
    return [`\`${reason}\``, code, metadataOf(comment), text.whatHappened, text.whatToDo];
  });
  return markdownTable([words.reason, words.code, words.metadata, words.whatHappened, words.whatToDo], rows);
}

function reasons(): readonly string[] {
  const names = ErrorReasonSchema.values.map(({ name }) => name.replace("ERROR_REASON_", ""));
  const order = [...new Set(Object.keys({ ...CODE_BY_REASON, ...OF_THE_EDGE })), ...names];
  return [...new Set(order)].filter((name) => name !== "UNSPECIFIED");
}

/** `FailedPrecondition` as the wire writes it: FAILED_PRECONDITION. */
export function codeOf(reason: string): string {
  const codes: Readonly<Record<string, Code>> = { ...CODE_BY_REASON, ...OF_THE_EDGE };
  const code = codes[reason];
  if (code === undefined) throw new Error(`The server has no code for ${reason}`);
  return (Code[code] ?? "").replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The keys that the comment names, and nothing of what it says about them. */
function metadataOf(comment: string): string {
  const [, sentence = ""] = /Metadata: ([^.]*)\./.exec(comment) ?? [];
  return (sentence.match(/`\w+`/g) ?? []).join(", ");
}
