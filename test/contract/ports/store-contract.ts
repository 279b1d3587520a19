import type { OpenBook } from "./fixture.ts";
import { storeBudgetContract } from "./store-budget-contract.ts";
import { storeCommitContract } from "./store-commit-contract.ts";
import { storeReadContract } from "./store-read-contract.ts";

/** What every store must do. `open` hands out a new, empty book each time. */
export function storeContract(name: string, open: OpenBook): void {
  describe(`store on ${name}`, () => {
    storeCommitContract(open);
    storeReadContract(open);
    storeBudgetContract(open);
  });
}
