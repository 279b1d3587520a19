/**
 * Lists of principals: who may call, in which role, for which worlds. The settings `auth_tokens` and
 * `auth_certificates` are such lists; they differ in how a principal proves who it is.
 */
import { type Fault, type Kind, type Plain, refuse as refuseValue } from "./kinds.ts";

export const ROLES = ["reader", "operator", "owner"] as const;
export type Role = (typeof ROLES)[number];

export interface RoleGrant {
  readonly role: Role;
  /** World ids, or `*` for every world. */
  readonly worlds: readonly string[];
}

/** A principal, however it proves who it is. */
export interface Grant {
  /** Its name, in audit entries and as a subscriber. */
  readonly name: string;
  readonly roles: readonly RoleGrant[];
}

/** What a principal of one list proves itself with. */
export interface Credential<T extends Grant> {
  /** Its field in the setting. */
  readonly field: string;
  /** What the field may hold, for people. */
  readonly allowed: string;
  /** The credential as the setting shows it, or the reason why `raw` is none. */
  read(raw: unknown): { readonly value: string } | { readonly reason: string };
  grantOf(grant: Grant, credential: string): T;
  credentialOf(grant: T): string;
  /** Safe to show. */
  shown(grant: T): Plain;
}

/** The kind of a setting that lists principals. Names and credentials each stand in it once. */
export function grantListKind<T extends Grant>(credential: Credential<T>): Kind<readonly T[]> {
  const { field, allowed } = credential;
  return {
    type: "list",
    allowed: `none, or a list of {name, ${field}: ${allowed}, roles: [{role: ${ROLES.join(" | ")}, worlds: [id or "*"]}]}`,
    read(raw) {
      const list = raw === "none" || raw === null ? [] : typeof raw === "string" ? parseJson(raw) : raw;
      if (!Array.isArray(list)) return refuseValue("is not a list (as JSON in the environment and in flags)");
      const faults: Fault[] = [];
      const refuse: Refuse = (at, reason) => void faults.push({ at, reason });
      const grants = list.map((entry, index) => readGrant(entry, `[${index}]`, refuse, credential));
      refuseRepeats(grants, refuse, credential);
      return faults.length > 0 ? { faults } : { value: grants };
    },
    plain: (grants) =>
      grants.length === 0
        ? "none"
        : grants.map((grant) => ({
            name: grant.name,
            [field]: credential.shown(grant),
            roles: grant.roles.map(({ role, worlds }) => ({ role, worlds })),
          })),
  };
}

/** Longest id of a world or principal, in code points. */
const MAX_ID = 128;

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

/** Notes a fault and lets the reading go on, so that one pass finds them all. */
type Refuse = (at: string, reason: string) => void;

function readGrant<T extends Grant>(
  raw: unknown,
  at: string,
  refuse: Refuse,
  { field, read, grantOf }: Credential<T>,
): T {
  const fields = readFields(raw, ["name", field, "roles"], at, refuse);
  const credential = read(fields.get(field));
  if ("reason" in credential) refuse(`${at}.${field}`, credential.reason);
  const name = readId(fields.get("name"), `${at}.name`, refuse);
  const roles = readList(fields.get("roles"), `${at}.roles`, refuse, readRole);
  return grantOf({ name, roles }, "value" in credential ? credential.value : "");
}

function readRole(raw: unknown, at: string, refuse: Refuse): RoleGrant {
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

/** A name must tell one principal, and a credential must name one. */
function refuseRepeats<T extends Grant>(
  grants: readonly T[],
  refuse: Refuse,
  { field, credentialOf }: Credential<T>,
): void {
  const seen = new Set<string>();
  for (const [index, grant] of grants.entries()) {
    const marks = { name: grant.name && `name ${grant.name}`, [field]: credentialOf(grant) };
    for (const [at, mark] of Object.entries(marks)) {
      if (seen.has(mark)) refuse(`[${index}].${at}`, "stands in the list twice");
      if (mark !== "") seen.add(mark);
    }
  }
}
