/** Calls in proto JSON, and what came of them, for the contract tests. */
import { createRegistry, type DescMethodUnary, type JsonObject } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import { expect } from "chai";
import { callJson, type Outcome } from "../support/golden.ts";

export type Calls = (method: DescMethodUnary, request: JsonObject) => Promise<Outcome>;

export function caller(transport: Transport): Calls {
  const registry = createRegistry(StructSchema);
  return (method, request) => callJson(transport, method, request, registry);
}

export function responseOf(outcome: Outcome): JsonObject {
  if ("error" in outcome) expect.fail(JSON.stringify(outcome.error));
  return outcome.response as JsonObject;
}

interface ErrorShape {
  readonly errorInfo: readonly { readonly reason: string; readonly metadata?: Record<string, string> }[];
}

function errorInfo(outcome: Outcome) {
  if ("response" in outcome) expect.fail(`was answered: ${JSON.stringify(outcome.response)}`);
  return (outcome.error as ErrorShape & JsonObject).errorInfo[0];
}

export function reasonOf(outcome: Outcome): string | undefined {
  return errorInfo(outcome)?.reason;
}

export function metadataOf(outcome: Outcome): Record<string, string> {
  return errorInfo(outcome)?.metadata ?? {};
}
