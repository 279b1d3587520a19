import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  createMethodSerializationLookup,
  limitSerialization,
  type Serialization,
} from "@connectrpc/connect/protocol";
import { toConnectError } from "../errors.ts";
import type { RequestDecoder } from "../wire/bulk-decoders.ts";
import { compileWriter } from "../wire/compile-writer.ts";
import { assertFewMessages } from "../wire/message-count.ts";
import type { FastOptions } from "./fast-options.ts";
import { type Answer, invokeUnary, type UnaryImpl } from "./invoke.ts";

/** A unary method, ready to be called. All of these throw what Connect's own would. */
export interface FastMethod {
  readonly method: DescMethodUnary;
  readonly parse: (bytes: Uint8Array) => Message;
  readonly invoke: (context: HandlerContext, message: Message) => Promise<Answer>;
  readonly serialize: (answer: Answer) => Uint8Array;
}

export function createFastMethod(method: DescMethodUnary, impl: UnaryImpl, options: FastOptions): FastMethod {
  const { binaryOptions, jsonOptions, interceptors, decoders } = options;
  const lookup = createMethodSerializationLookup(method, binaryOptions, jsonOptions, options);
  const input: Serialization<Message> = lookup.getI(true);
  const decoder = decoders.get(method.input.typeName);
  const reader = decoder === undefined ? input : limitSerialization(decoding(input, decoder), options);
  return {
    method,
    parse(bytes) {
      refuseBombs(method, bytes, options);
      return reader.parse(bytes);
    },
    invoke: (context, message) => invokeUnary(method, impl, interceptors, context, message),
    serialize: serializer(method, options),
  };
}

/** @throws ConnectError as callers shall see it. */
function refuseBombs({ input }: DescMethodUnary, bytes: Uint8Array, { log }: FastOptions): void {
  try {
    assertFewMessages(input, bytes);
  } catch (error) {
    throw toConnectError(error, { log });
  }
}

/** Encodes answers; like Connect, it names what is wrong with one and refuses one that is too large. */
function serializer(
  { output }: DescMethodUnary,
  { writeMaxBytes }: FastOptions,
): (answer: Answer) => Uint8Array {
  const write = compileWriter(output);
  return (answer) => {
    const bytes = named("serialize", () => write(answer));
    if (bytes.byteLength <= writeMaxBytes) return bytes;
    throw new ConnectError(
      `message size ${bytes.byteLength} is larger than configured writeMaxBytes ${writeMaxBytes}`,
      Code.ResourceExhausted,
    );
  };
}

/** The same serialization with another decoder. */
function decoding(ordinary: Serialization<Message>, decode: RequestDecoder): Serialization<Message> {
  return {
    serialize: ordinary.serialize,
    parse: (bytes) => named("parse", () => decode(bytes)),
  };
}

/** Does the work; its errors are named as Connect names those of protobuf-es. */
function named<T>(what: "parse" | "serialize", work: () => T): T {
  try {
    return work();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new ConnectError(`${what} binary: ${text}`, Code.Internal);
  }
}
