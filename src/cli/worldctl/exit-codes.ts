/** The one table that says with which code `worldctl` ends. The reference page has the same table; a test compares. */
import { Code } from "@connectrpc/connect";

export const EXIT = {
  ok: 0,
  other: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  precondition: 5,
  unavailable: 6,
  auth: 7,
  exhausted: 8,
  feedGap: 9,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_CODE: Readonly<Record<Code, ExitCode>> = {
  [Code.InvalidArgument]: EXIT.usage,
  [Code.NotFound]: EXIT.notFound,
  [Code.AlreadyExists]: EXIT.conflict,
  [Code.Aborted]: EXIT.conflict,
  [Code.FailedPrecondition]: EXIT.precondition,
  [Code.Unavailable]: EXIT.unavailable,
  [Code.DeadlineExceeded]: EXIT.unavailable,
  [Code.Unauthenticated]: EXIT.auth,
  [Code.PermissionDenied]: EXIT.auth,
  [Code.ResourceExhausted]: EXIT.exhausted,
  [Code.OutOfRange]: EXIT.feedGap,
  [Code.DataLoss]: EXIT.feedGap,
  [Code.Unimplemented]: EXIT.other,
  [Code.Internal]: EXIT.other,
  [Code.Unknown]: EXIT.other,
  [Code.Canceled]: EXIT.other,
};

export function exitCodeOf(code: Code): ExitCode {
  return BY_CODE[code] ?? EXIT.other;
}
