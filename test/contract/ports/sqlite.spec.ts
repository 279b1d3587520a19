import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import { eventLogContract } from "./event-log-contract.ts";
import type { OpenBook } from "./fixture.ts";
import { lockManagerContract } from "./lock-manager-contract.ts";
import { storeContract } from "./store-contract.ts";

describe("ports on a SQLite file", () => {
  let folder = "";
  let files = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "worldservice-ports-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const open: OpenBook = ({ lockTtlMs }) => {
    files += 1;
    return openSqliteStore({ path: join(folder, `book-${files}.db`), book: "main", lockTtlMs });
  };
  storeContract("SQLite", open);
  lockManagerContract("SQLite", open);
  eventLogContract("SQLite", open);
});
