import { type FieldViolation, invalidFields } from "../domain/errors.ts";
import { idProblem } from "../domain/rebalance/validate-fields.ts";

/**
 * Names that a caller gives, checked beyond what the protos can say: two spellings of one name must not be two worlds.
 *
 * @param ids field path → name; empty names are left to the protos, where some may be.
 * @throws DomainError INVALID_FIELD.
 */
export function checkIds(ids: Readonly<Record<string, string>>): void {
  refuse(Object.entries(ids));
}

/** The same for a list, whose members are named `path[3]`. */
export function checkIdList(path: string, ids: readonly string[]): void {
  refuse(ids.map((id, at) => [`${path}[${at}]`, id] as const));
}

function refuse(ids: readonly (readonly [field: string, id: string])[]): void {
  const violations = ids.flatMap(([field, id]): FieldViolation[] => {
    const description = id === "" ? undefined : idProblem(id);
    return description === undefined ? [] : [{ field, description }];
  });
  if (violations.length > 0) throw invalidFields(violations.slice(0, 20));
}
