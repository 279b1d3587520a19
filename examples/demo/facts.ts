/** The facts the demo stands on: each is checked against what the server answered, and the first that fails ends it. */
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { paint, say } from "./output.ts";

/** A fact that is not so. Its message is all a user needs to see. */
export class DemoFailure extends Error {}

let count = 0;

/** How many facts have held so far. */
export function factsHeld(): number {
  return count;
}

/**
 * States a fact, and that it holds.
 *
 * @throws DemoFailure when it does not; `detail` says what was seen instead.
 */
export function fact(claim: string, holds: boolean, detail: unknown = undefined): void {
  if (!holds) {
    const seen =
      detail === undefined ? "" : `\n  seen: ${typeof detail === "string" ? detail : inspect(detail)}`;
    throw new DemoFailure(`this should hold and does not: ${claim}${seen}`);
  }
  count += 1;
  say(`  ${paint("green", "ok")} ${claim}`);
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_key, each) => (typeof each === "bigint" ? String(each) : each));
}

/** Makes a call that must be refused for this reason. */
export async function refused(claim: string, reason: string, call: () => Promise<unknown>): Promise<void> {
  const answer = await call().then(
    () => "an answer",
    (error: unknown) => reasonOf(error),
  );
  fact(`${claim} (${reason})`, answer === reason, answer);
}

/** The reason a refusal carries; any other error as it is. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof ConnectError)) return String(error);
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? `${Code[error.code]}: ${error.rawMessage}`;
}

/**
 * Waits, but not for ever.
 *
 * @param ms milliseconds.
 * @throws DemoFailure naming `what` when the time is over.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DemoFailure(`${what} took longer than ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
