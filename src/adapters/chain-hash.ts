import { hash } from "node:crypto";
import type { EventDraft } from "../ports/store.ts";

/**
 * How the commits of a book are chained. Every adapter must agree byte for byte, because a cursor holds the hash;
 * SHA-1 for the chain because that is what a Redis script can compute itself (`redis.sha1hex`), where the previous
 * hash is known. It tells histories apart; it does not protect against forgery.
 */

/** The events of a commit as the log keeps them: the JSON text of an array of `[worldId, body]`, `[]` for none. */
export function eventsPayload(events: readonly EventDraft[]): string {
  return JSON.stringify(events.map((event) => [event.worldId, event.body]));
}

/** SHA-256 of the payload's UTF-8 bytes, 64 hex digits. */
export function payloadDigest(payload: string): string {
  return hash("sha256", payload);
}

/**
 * Chain hash of a commit, 40 hex digits: SHA-1 of `previousHash|revision|digest|sequences joined by ","`.
 *
 * @param previousHash hash of the commit before, "" for revision 1.
 * @param revision 1 or more.
 * @param digest `payloadDigest` of the commit's events.
 * @param sequences the world sequence of each event, in the order of the payload; empty without events.
 */
export function chainHash(
  previousHash: string,
  revision: number,
  digest: string,
  sequences: readonly number[],
): string {
  return hash("sha1", `${previousHash}|${revision}|${digest}|${sequences.join(",")}`);
}
