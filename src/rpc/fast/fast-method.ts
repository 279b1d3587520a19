import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  createMethodSerializationLookup,
  limitSerialization,
  type Serialization,
} from "@connectrpc/connect/protocol";
import type { RequestDecoder } from "../wire/bulk-decoders.ts";
import type { FastOptions } from "./fast-options.ts";
import { invokeUnary, type UnaryImpl } from "./invoke.ts";

/** A unary method, ready to be called. All of these throw what Connect's own would. */
export interface FastMethod {
  readonly method: DescMethodUnary;
  readonly parse: (bytes: Uint8Array) => Message;
  readonly invoke: (context: HandlerContext, message: Message) => Promise<Message>;
  readonly serialize: (message: Message) => Uint8Array;
}

export function createFastMethod(method: DescMethodUnary, impl: UnaryImpl, options: FastOptions): FastMethod {
  const { binaryOptions, jsonOptions, interceptors, decoders } = options;
  const lookup = createMethodSerializationLookup(method, binaryOptions, jsonOptions, options);
  const input: Serialization<Message> = lookup.getI(true);
  const decoder = decoders.get(method.input.typeName);
  const reader = decoder === undefined ? input : limitSerialization(decoding(input, decoder), options);
  return {
    method,
    parse: reader.parse,
    invoke: (context, message) => invokeUnary(method, impl, interceptors, context, message),
    serialize: lookup.getO(true).serialize,
  };
}

/** The same serialization with another decoder; its errors are named as Connect names those of protobuf-es. */
function decoding(ordinary: Serialization<Message>, decode: RequestDecoder): Serialization<Message> {
  return {
    serialize: ordinary.serialize,
    parse(bytes) {
      try {
        return decode(bytes);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new ConnectError(`parse binary: ${text}`, Code.Internal);
      }
    },
  };
}
