import type { BookKeys } from "./keys.ts";
import type { Link, WaitFor } from "./link.ts";
import type { Scripts } from "./scripts.ts";

/** What the parts of one opened book share. */
export interface Session {
  readonly keys: BookKeys;
  readonly scripts: Scripts;
  /** Reads and locks. */
  readonly link: Link;
  /** Commits; a connection of its own where they wait for replicas, else the same. */
  readonly commitLink: Link;
  /** Undefined unless commits wait for replicas. */
  readonly waitFor: WaitFor | undefined;
  /** The history on the other end, as of the newest connection. */
  storeId(): string;
}
