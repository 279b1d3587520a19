/** The three ports over a real Redis with appendfsync always. */
import { randomUUID } from "node:crypto";
import { openRedisStore } from "../../../src/adapters/redis/index.ts";
import { redisUrl } from "../../support/redis.ts";
import { eventLogContract } from "./event-log-contract.ts";
import type { OpenBook } from "./fixture.ts";
import { lockManagerContract } from "./lock-manager-contract.ts";
import { storeContract } from "./store-contract.ts";

/** A book of its own per test: the tests share one server. */
const open: OpenBook = ({ lockTtlMs }) =>
  openRedisStore({
    url: redisUrl(),
    book: `suite {${randomUUID()}}`,
    lockTtlMs,
    durability: "fsync",
    allowDegraded: false,
  });

describe("ports on Redis", () => {
  storeContract("redis", open);
  lockManagerContract("redis", open);
  eventLogContract("redis", open);
});
