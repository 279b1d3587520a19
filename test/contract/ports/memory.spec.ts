import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import { eventLogContract } from "./event-log-contract.ts";
import type { OpenBook } from "./fixture.ts";
import { lockManagerContract } from "./lock-manager-contract.ts";
import { storeContract } from "./store-contract.ts";

describe("ports in memory", () => {
  const open: OpenBook = ({ lockTtlMs }) => openSqliteStore({ path: ":memory:", book: "main", lockTtlMs });
  storeContract("memory", open);
  lockManagerContract("memory", open);
  eventLogContract("memory", open);
});
