/** reference/errors.md names every reason of the contract under its gRPC code, in both languages. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { ErrorReasonSchema } from "../../gen/worldservice/v1/error_reason_pb.ts";
import { CODE_BY_REASON } from "../../src/rpc/errors.ts";
import { type Check, failed, passed, ROOT } from "./check.ts";

/** Reasons that the RPC layer gives itself, beside those of the domain. */
const OF_THE_EDGE: Readonly<Record<string, Code>> = {
  INTERNAL: Code.Internal,
  UNIMPLEMENTED: Code.Unimplemented,
  CANCELED: Code.Canceled,
};

export const errorsPage: Check = {
  title: "reference/errors.md names every reason and its code",
  run() {
    const faults = ["docs/en", "docs/ko"].flatMap((folder) => {
      const path = `${folder}/reference/errors.md`;
      return missingRows(readFileSync(join(ROOT, path), "utf8")).map((row) => `${path} lacks the row ${row}`);
    });
    return faults.length === 0 ? passed() : failed(faults.join("\n"));
  },
};

/** The beginnings of table rows that `page` should have and has not: `| `REASON` | CODE |`. */
export function missingRows(page: string): readonly string[] {
  const codes: Readonly<Record<string, Code>> = { ...CODE_BY_REASON, ...OF_THE_EDGE };
  return ErrorReasonSchema.values
    .map(({ name }) => name.replace("ERROR_REASON_", ""))
    .filter((reason) => reason !== "UNSPECIFIED")
    .map((reason) => `| \`${reason}\` | ${codeName(codes[reason])} |`)
    .filter((row) => !page.includes(row));
}

/** `FailedPrecondition` as the wire writes it: FAILED_PRECONDITION. */
function codeName(code: Code | undefined): string {
  if (code === undefined) return "no code";
  return (Code[code] ?? "").replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
