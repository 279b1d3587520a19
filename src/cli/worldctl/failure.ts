/** Turns whatever went wrong into words, and into the exit code. */
import { Code, ConnectError } from "@connectrpc/connect";
import { codeName, FeedGapError, type Refusal, refusalOf } from "../../client/index.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-codes.ts";
import { UsageError } from "./io.ts";
import { nextStep } from "./next-steps.ts";
import { printable } from "./table.ts";

export interface Failure {
  readonly exitCode: ExitCode;
  /** For people: several lines. */
  readonly text: string;
  /** For programs. */
  readonly json: object;
}

/** @param server where the command was sent to. */
export function failureOf(error: unknown, server: string): Failure {
  if (error instanceof FeedGapError) return gap(error);
  if (error instanceof ConnectError) return refused(refusalOf(error), server);
  const message = error instanceof Error ? error.message : String(error);
  const exitCode = error instanceof UsageError || error instanceof TypeError ? EXIT.usage : EXIT.other;
  return { exitCode, text: `worldctl: ${message}`, json: { error: { message, exitCode } } };
}

function gap(error: FeedGapError): Failure {
  const { reason, message, cursor, earliestCursor } = error;
  const exitCode = EXIT.feedGap;
  return {
    exitCode,
    text: [`worldctl: ${reason}: ${message}`, `next: ${nextStep(reason) ?? ""}`].join("\n"),
    json: { error: { reason, message, cursor, earliestCursor, exitCode } },
  };
}

function refused(refusal: Refusal, server: string): Failure {
  const { code, reason, message, metadata, violations, retryAfterMs } = refusal;
  const exitCode = exitCodeOf(code);
  const lines = [`worldctl: ${reason === "" ? "" : `${reason} `}(${codeName(code)}): ${headline(refusal)}`];
  for (const { field, description } of violations) lines.push(`  ${field || "(request)"}: ${description}`);
  for (const [key, value] of metadata) if (key !== "violations") lines.push(`  ${key}: ${value}`);
  const next = nextStep(reason) ?? withoutReason(refusal, server);
  if (next !== undefined) lines.push(`next: ${next}`);
  if (retryAfterMs !== undefined) lines.push(`retry after: ${retryAfterMs} ms`);
  const json = {
    error: {
      code: codeName(code),
      reason,
      message,
      metadata: Object.fromEntries(metadata),
      violations,
      retryAfterMs,
      next,
      exitCode,
    },
  };
  return { exitCode, text: lines.map(printable).join("\n"), json };
}

/** The message, unless it only says in one line what follows field by field. */
function headline({ message, violations }: Refusal): string {
  const said = violations.filter(({ description }) => message.includes(description)).length;
  if (said < violations.length || said < 2) return message;
  return `${said} fields are not accepted`;
}

/** What Node and OpenSSL say when a TLS connection does not come about. */
const TLS_TROUBLE = /\b(SSL|TLS|certificate|CERT_\w+|wrong version number|EPROTO)\b/i;
const TLS_STEP =
  "no TLS connection came about: does the server speak TLS (https:)? Name its authority with --tls-ca, and your certificate with --tls-cert and --tls-key where it asks for one";

/** No service of ours answered: most likely nobody did. */
function withoutReason({ code, message }: Refusal, server: string): string | undefined {
  if (TLS_TROUBLE.test(message)) return TLS_STEP;
  if (code === Code.Unavailable || code === Code.Unknown || code === Code.Internal) {
    return `is a server running at ${server}? Start one (npm start), or name another with --server`;
  }
  return undefined;
}
