/** Snapshots of what goes over the wire: proto JSON of request and response or error, one file a case. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DescMethodUnary, fromJson, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { expect } from "chai";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#thirdparty/google/rpc/error_details_pb.ts";

const ROOT = join(import.meta.dirname, "../contract/golden");
const UPDATING = process.env.UPDATE_GOLDEN === "1";

/** What a call came to, as JSON. */
export type Outcome = { readonly response: JsonValue } | { readonly error: JsonValue };

/** Calls a unary method with a request in proto JSON. */
export async function callJson(
  transport: Transport,
  method: DescMethodUnary,
  request: JsonValue,
  registry?: Registry,
): Promise<Outcome> {
  const options = registry === undefined ? {} : { registry };
  try {
    const input = fromJson(method.input, request, options);
    const answer = await transport.unary(method, undefined, 10_000, undefined, input);
    return { response: toJson(method.output, answer.message, options) };
  } catch (error) {
    return { error: errorJson(ConnectError.from(error)) };
  }
}

/** Code, text and details of an error; the id of an unexpected error is its only part that changes. */
export function errorJson(error: ConnectError): JsonValue {
  return {
    code: Code[error.code] ?? String(error.code),
    message: error.rawMessage,
    errorInfo: error.findDetails(ErrorInfoSchema).map((detail) => toJson(ErrorInfoSchema, detail)),
    badRequest: error.findDetails(BadRequestSchema).map((detail) => toJson(BadRequestSchema, detail)),
    retryInfo: error.findDetails(RetryInfoSchema).map((detail) => toJson(RetryInfoSchema, detail)),
  };
}

/**
 * Compares with `test/contract/golden/<name>.json`; with UPDATE_GOLDEN=1 writes it instead, for review as a diff. Map
 * entries are sorted, since a map on the wire has no order.
 */
export function expectGolden(name: string, actual: JsonValue): void {
  const file = join(ROOT, `${name}.json`);
  const text = `${JSON.stringify(sorted(actual), null, 2)}\n`;
  if (UPDATING) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  expect(existsSync(file), `${name} has no snapshot: run npm run golden:update and review it`).to.equal(true);
  expect(JSON.parse(text)).to.deep.equal(JSON.parse(readFileSync(file, "utf8")));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
