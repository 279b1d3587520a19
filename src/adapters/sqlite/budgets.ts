import type { BudgetChange, BudgetName } from "../../ports/store.ts";
import { numberOf } from "./rows.ts";
import type { Session } from "./session.ts";

/** What a change would make of a budget. */
export interface BudgetStep {
  readonly total: number;
  readonly members: ReadonlyMap<string, number>;
}

export function readBudgetTotal({ sql, book }: Session, name: BudgetName): number {
  const row = sql.readBudget.get(book, name);
  return row === undefined ? 0 : numberOf(row, "total");
}

export function planBudget(session: Session, change: BudgetChange): BudgetStep {
  const { sql, book } = session;
  const members = new Map(change.set.map(({ member, units }) => [member, units]));
  let total = readBudgetTotal(session, change.name);
  for (const [member, units] of members) {
    const row = sql.readMember.get(book, change.name, member);
    total += units - (row === undefined ? 0 : numberOf(row, "units"));
  }
  return { total, members };
}

/** Beyond 2^53 - 1 a total would no longer be exact, so no budget goes there, limit or not. */
export function exceeds({ total }: BudgetStep, limit: number | undefined): boolean {
  return total > Math.min(limit ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

export function writeBudget({ sql, book }: Session, name: BudgetName, step: BudgetStep): void {
  for (const [member, units] of step.members) sql.putMember.run(book, name, member, units);
  sql.putBudget.run(book, name, step.total);
}
