import { expect } from "chai";
import { DomainError } from "../../../../src/domain/errors.ts";

/** The refusal that `act` ends with. */
export function refusalOf(act: () => unknown): DomainError {
  try {
    act();
  } catch (error) {
    expect(error).to.be.instanceOf(DomainError);
    return error as DomainError;
  }
  return expect.fail("was not refused");
}

/** The fields that `act` is refused for. */
export function refusedFields(act: () => unknown): string[] {
  const refusal = refusalOf(act);
  expect(refusal.reason).to.equal("INVALID_FIELD");
  return refusal.violations.map(({ field }) => field);
}
