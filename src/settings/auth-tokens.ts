/** The setting `auth_tokens`: who may call, known by the SHA-256 of a token, never by the token itself. */
import { type Fault, type Kind, type Plain, refuse as refuseValue } from "./kinds.ts";

export const ROLES = ["reader", "operator", "owner"] as const;
export type Role = (typeof ROLES)[number];

export interface RoleGrant {
  readonly role: Role;
  /** World ids, or `*` for every world. */
  readonly worlds: readonly string[];
}

export interface AuthToken {
  /** The principal's name, in audit entries and as a subscriber. */
  readonly name: string;
  /** 64 lower-case hexadecimal digits. */
  readonly tokenSha256: string;
  readonly roles: readonly RoleGrant[];
}

/** Longest id of a world or principal, in code points. */
const MAX_ID = 128;

export const authTokensKind: Kind<readonly AuthToken[]> = {
  type: "list",
  allowed: `none, or a list of {name, token_sha256: 64 hexadecimal digits, roles: [{role: ${ROLES.join(" | ")}, worlds: [id or "*"]}]}`,
  read(raw) {
    const list = raw === "none" || raw === null ? [] : typeof raw === "string" ? parseJson(raw) : raw;
    if (!Array.isArray(list)) return refuseValue("is not a list (as JSON in the environment and in flags)");
    const faults: Fault[] = [];
    const refuse: Refuse = (at, reason) => void faults.push({ at, reason });
    const tokens = list.map((entry, index) => readToken(entry, `[${index}]`, refuse));
    refuseRepeats(tokens, refuse);
    return faults.length > 0 ? { faults } : { value: tokens };
  },
  plain: (tokens) => (tokens.length === 0 ? "none" : tokens.map(plainToken)),
};

/** JSON with records as Maps, as the YAML reader gives them; `undefined` for anything that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? new Map(Object.entries(value))
        : value,
    );
  } catch {
    return undefined; // the parser's message would repeat a piece of the secret
  }
}

function plainToken({ name, roles }: AuthToken): Plain {
  return { name, token_sha256: "***", roles: roles.map(({ role, worlds }) => ({ role, worlds })) };
}

/** Notes a fault and lets the reading go on, so that one pass finds them all. */
type Refuse = (at: string, reason: string) => void;

function readToken(raw: unknown, at: string, refuse: Refuse): AuthToken {
  const fields = readFields(raw, ["name", "token_sha256", "roles"], at, refuse);
  return {
    name: readId(fields.get("name"), `${at}.name`, refuse),
    tokenSha256: readDigest(fields.get("token_sha256"), `${at}.token_sha256`, refuse),
    roles: readList(fields.get("roles"), `${at}.roles`, refuse, readGrant),
  };
}

function readGrant(raw: unknown, at: string, refuse: Refuse): RoleGrant {
  const fields = readFields(raw, ["role", "worlds"], at, refuse);
  const role = ROLES.find((name) => name === fields.get("role"));
  if (role === undefined) refuse(`${at}.role`, `is not one of ${ROLES.join(", ")}`);
  const worlds = readList(fields.get("worlds"), `${at}.worlds`, refuse, readId);
  return { role: role ?? "reader", worlds };
}

/** The named fields of a record; anything else in it is a fault. */
function readFields(raw: unknown, names: readonly string[], at: string, refuse: Refuse) {
  if (!(raw instanceof Map)) {
    refuse(at, "is not a record");
    return new Map<unknown, unknown>(); // every field then reports that it is missing
  }
  const fields: ReadonlyMap<unknown, unknown> = raw;
  for (const name of fields.keys())
    if (!names.includes(String(name))) refuse(`${at}.${name}`, "is not known here");
  return fields;
}

type ReadEntry<T> = (entry: unknown, at: string, refuse: Refuse) => T;

function readList<T>(raw: unknown, at: string, refuse: Refuse, read: ReadEntry<T>): readonly T[] {
  if (Array.isArray(raw) && raw.length > 0)
    return raw.map((entry, index) => read(entry, `${at}[${index}]`, refuse));
  refuse(at, "is not a list with at least one entry");
  return [];
}

function readId(raw: unknown, at: string, refuse: Refuse): string {
  const text = typeof raw === "string" ? raw : "";
  const length = [...text].length;
  if (length < 1 || length > MAX_ID || /\p{Cc}/u.test(text) || text !== text.normalize("NFC")) {
    refuse(at, `is not a text of 1 to ${MAX_ID} characters in NFC form without control characters`);
  }
  return text;
}

function readDigest(raw: unknown, at: string, refuse: Refuse): string {
  if (typeof raw === "string" && /^[0-9a-f]{64}$/i.test(raw)) return raw.toLowerCase();
  refuse(at, "is not 64 hexadecimal digits");
  return "";
}

/** A name must tell one principal, and a token must name one. */
function refuseRepeats(tokens: readonly AuthToken[], refuse: Refuse): void {
  const seen = new Set<string>();
  for (const [index, { name, tokenSha256 }] of tokens.entries()) {
    const marks = { name: name && `name ${name}`, token_sha256: tokenSha256 };
    for (const [field, mark] of Object.entries(marks)) {
      if (seen.has(mark)) refuse(`[${index}].${field}`, "stands in the list twice");
      if (mark !== "") seen.add(mark);
    }
  }
}
