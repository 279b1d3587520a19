/** What a command is: one RPC, in one package or in both, and how its request is made from the command line. */
import type { DescMessage, DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import type { Option } from "commander";
import type { Session } from "./session.ts";

export type Method = DescMethodUnary<DescMessage, DescMessage>;

/** One RPC. With `v2`, the version is negotiated, or chosen with `--api`. */
export interface Methods {
  readonly v1: Method;
  readonly v2?: Method;
}

/** What commander read; options by their long name in camelCase. */
export interface Given {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Verb {
  /** `worlds list`, with the arguments: `<required>`, `[optional]`, `[many...]`. */
  readonly usage: string;
  readonly summary: string;
  readonly options?: readonly Option[];
  /** Command lines without `worldctl`. */
  readonly examples: readonly string[];
  readonly methods: Methods;
  /** The request in proto JSON. */
  request(given: Given, session: Session): JsonObject | Promise<JsonObject>;
  /** @throws UsageError for a request that is well-formed, but surely not meant. */
  check?(request: JsonObject): void;
  /** Goes on once the answer is shown. */
  after?(answer: JsonObject, given: Given, session: Session): Promise<void>;
}

/** Fields without those that were not given. */
export function withoutMissing(fields: Readonly<Record<string, unknown>>): JsonObject {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as JsonObject;
}
