import type { DescMessage } from "@bufbuild/protobuf";
import { type ErrorLog, toConnectError } from "../errors.ts";
import { assertFewMessages } from "../wire/message-count.ts";

/** What stands before the message in gRPC and gRPC-Web. */
const ENVELOPE_BYTES = 5;

export interface CountedBodyOptions {
  readonly input: DescMessage;
  readonly isEnveloped: boolean;
  /** A longer body is refused by its length, and passed on as it is. */
  readonly maxBytes: number;
  readonly log: ErrorLog;
}

/**
 * The same body of one message that is not compressed, looked through before anybody decodes it.
 *
 * @throws ConnectError for what would unfold to far more than it is.
 */
export async function* countedBody(
  body: AsyncIterable<Uint8Array>,
  { input, isEnveloped, maxBytes, log }: CountedBodyOptions,
): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let claimed: number | undefined;
  let isTooLong = false;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (isEnveloped) claimed ??= claimOf(chunks, length);
    // Whoever reads it refuses it by its length, without waiting for the rest.
    isTooLong ||= (claimed ?? length - ENVELOPE_BYTES) > maxBytes;
    if (isTooLong) yield* chunks.splice(0);
  }
  if (isTooLong) return;
  const whole = Buffer.concat(chunks);
  assertCounted(whole, input, isEnveloped, log);
  yield whole;
}

/** How long the message says that it is; undefined as long as too little of it is there. */
function claimOf(chunks: readonly Uint8Array[], length: number): number | undefined {
  return length < ENVELOPE_BYTES ? undefined : Buffer.concat(chunks).readUInt32BE(1);
}

function assertCounted(whole: Buffer, input: DescMessage, isEnveloped: boolean, log: ErrorLog): void {
  try {
    assertFewMessages(input, isEnveloped ? whole.subarray(ENVELOPE_BYTES) : whole);
  } catch (error) {
    throw toConnectError(error, { log });
  }
}
