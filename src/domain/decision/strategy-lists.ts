import { type FieldViolation, invalidFields } from "../errors.ts";
import { compareUtf8 } from "../text.ts";

function trimmed(ids: readonly string[], path: string): string[] {
  const names = ids.map((id) => id.trim());
  const found = names.flatMap((name, i): FieldViolation[] =>
    name === "" ? [{ field: `${path}[${i}]`, description: "must not be empty" }] : [],
  );
  if (found.length > 0) throw invalidFields(found);
  return names;
}

/**
 * Decisions as they are stored: trimmed, each strategy once, in the order given.
 *
 * @param path proto path of the list, for errors.
 * @throws DomainError INVALID_FIELD for an id that is empty or blank.
 */
export function normalizeDecisions(ids: readonly string[], path = "strategies"): string[] {
  return [...new Set(trimmed(ids, path))];
}

/**
 * Bindings after more were set: a set that only grows, sorted by the UTF-8 bytes of the ids.
 *
 * @param path proto path of the list, for errors.
 * @throws DomainError INVALID_FIELD for an id that is empty or blank.
 */
export function addBindings(
  existing: readonly string[],
  added: readonly string[],
  path = "strategies",
): string[] {
  return [...new Set([...existing, ...trimmed(added, path)])].sort(compareUtf8);
}
