/** Principals, worlds and calls for the tests of who may do what. */
import { createHash } from "node:crypto";
import {
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  fromJson,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Role } from "../../../src/rpc/security/grants.ts";
import { seen } from "../edge/support.ts";

export const ROLES: readonly Role[] = ["reader", "operator", "owner"];

/** A world the scoped principals have their role for, one they have none for, and one that nobody ever wrote to. */
export const OWN = "own-world";
export const FOREIGN = "foreign-world";
export const UNKNOWN = "unknown-world";

/** `reader@own-world`, `owner@*`: name and token of a principal. */
export function principalName(role: Role, world: string): string {
  return `${role}@${world}`;
}

export function tokenOf(name: string): string {
  return `token-of-${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
}

export function bearer(name: string): Record<string, string> {
  return { authorization: `Bearer ${tokenOf(name)}` };
}

export function grant(name: string, roles: readonly { role: Role; worlds: readonly string[] }[]) {
  return { name, token_sha256: createHash("sha256").update(tokenOf(name)).digest("hex"), roles };
}

/** The URI in a principal's certificate. */
export function sanUri(name: string): string {
  return `spiffe://test.example/${name.replace("*", "all")}`;
}

/** Every role, for OWN and for everything. */
const PRINCIPALS = ROLES.flatMap((role) =>
  [OWN, "*"].map((world) => ({ name: principalName(role, world), roles: [{ role, worlds: [world] }] })),
);

/** Both settings, with the same principals. */
export const AUTH_TOKENS = JSON.stringify(PRINCIPALS.map(({ name, roles }) => grant(name, roles)));
export const AUTH_CERTIFICATES = JSON.stringify(
  PRINCIPALS.map(({ name, roles }) => ({ name, san_uri: sanUri(name), roles })),
);

/** What a caller sees of the outcome: `ok`, or the error whole. */
export type Outcome = "ok" | ReturnType<typeof seen>;

/** One call over whatever method; of a stream, its beginning. */
export async function call(
  transport: Transport,
  method: DescMethod,
  json: JsonObject,
  header: Record<string, string>,
): Promise<Outcome> {
  const message = fromJson<DescMessage>(method.input, json);
  try {
    if (isUnary(method)) {
      await transport.unary(method, undefined, 5000, header, message);
    } else {
      const stop = new AbortController();
      const { message: answers } = await transport.stream(
        method as never,
        stop.signal,
        5000,
        header,
        one(message),
      );
      for await (const _ of answers) break;
      stop.abort();
    }
    return "ok";
  } catch (error) {
    return seen(ConnectError.from(error));
  }
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

async function* one<T>(message: T): AsyncGenerator<T> {
  yield message;
}

/** `refused` for lack of a token, `denied` for lack of a right, `admitted` whatever came of it. */
export function verdict(outcome: Outcome): "refused" | "denied" | "admitted" {
  if (outcome === "ok") return "admitted";
  if (outcome.code === Code.Unauthenticated) return "refused";
  return outcome.code === Code.PermissionDenied ? "denied" : "admitted";
}

/** A field of a request that names worlds, as a chain of JSON names; `[]` stands for a list's member, `{}` for a key. */
export type WorldPath = readonly string[];

const NAMES_WORLDS = /^(world_ids?|worlds|world_alloc.*|strategy_alloc_.*_total|.*_by_world)$/;

/** Every place of a message that can name a world. */
export function worldPaths(message: DescMessage, depth = 0): WorldPath[] {
  if (depth > 4 || message.typeName.startsWith("google.")) return [];
  return message.fields.flatMap((field) => {
    const inner = messageOf(field);
    if (inner === undefined) return NAMES_WORLDS.test(field.name) ? plainPaths(field) : [];
    const place = field.fieldKind === "list" ? [field.jsonName, "[]"] : [field.jsonName];
    return worldPaths(inner, depth + 1).map((path) => [...place, ...path]);
  });
}

/** What a field holds that may name worlds in turn; a map does so by its keys. */
function messageOf(field: DescMessage["fields"][number]): DescMessage | undefined {
  return field.fieldKind === "message" || field.fieldKind === "list" ? field.message : undefined;
}

/** Of a field whose name says that it names worlds, and whose texts do. */
function plainPaths(field: DescMessage["fields"][number]): WorldPath[] {
  const { jsonName: name } = field;
  if (field.fieldKind === "map") return [[name, field.mapKind === "message" ? "{message}" : "{}"]];
  if (field.scalar !== ScalarType.STRING) return [];
  return [field.fieldKind === "list" ? [name, "[]"] : [name]];
}

/** JSON with the world at that place, laid over `base`. */
export function naming(base: JsonValue | undefined, [first, ...rest]: WorldPath, world: string): JsonValue {
  if (first === undefined) return world;
  if (first === "[]") return [...(Array.isArray(base) ? base : []), naming(undefined, rest, world)];
  const object = isObject(base) ? base : {};
  if (first === "{}") return { ...object, [world]: 0 };
  if (first === "{message}") return { ...object, [world]: {} };
  return { ...object, [first]: naming(object[first], rest, world) };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A table names the worlds of its rows; what its dictionary holds beyond those is nobody's position. */
function tableOf(base: JsonObject, [first, ...rest]: WorldPath, world: string): JsonObject {
  const rows = { world: [0], strategy: [0], symbol: [0], venue: [0], qty: [1], mark: [1] };
  const value =
    rest.length > 0
      ? tableOf((base[first ?? ""] ?? {}) as JsonObject, rest, world)
      : { worlds: [world], strategies: ["s"], symbols: ["x"], ...rows };
  return { ...base, [first ?? ""]: value };
}

/** Text maps want texts, number maps numbers: found out by trying. */
export function requestNaming(
  method: DescMethod,
  base: JsonObject,
  path: WorldPath,
  world: string,
): JsonObject {
  const attempt = path.includes("positionTable")
    ? tableOf(base, path.slice(0, -2), world)
    : (naming(base, path, world) as JsonObject);
  try {
    fromJson(method.input, attempt);
    return attempt;
  } catch {
    const key = JSON.stringify(world);
    return JSON.parse(JSON.stringify(attempt).replaceAll(`${key}:0`, `${key}:"x"`)) as JsonObject;
  }
}
