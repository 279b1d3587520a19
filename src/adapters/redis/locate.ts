import type { Address } from "../../settings/addresses.ts";
import type { RedisCluster, RedisSentinel, RedisTarget } from "../../settings/store-target.ts";
import { type Client, connectClient, type Login, NO_LOGIN, type RedisTls } from "./client.ts";
import { storeUnavailable } from "./unavailable.ts";

/**
 * Finds the node that takes the book's writes. A book lives on one node at a time, so each connection is an ordinary
 * one to that node; the Sentinel and Cluster clients of the redis package would instead send a command again after
 * its connection broke, and a commit may have run by then.
 */
export type Locate = () => Promise<Address>;

export function locator(
  target: RedisTarget,
  login: Login,
  tls: RedisTls | undefined,
  bookKey: string,
): Locate {
  switch (target.topology) {
    case "single":
      return () => Promise.resolve({ host: target.host, port: target.port });
    case "sentinel":
      return () => firstAnswer(target.sentinels, NO_LOGIN, tls, (client) => askSentinel(client, target));
    case "cluster":
      return () =>
        firstAnswer(target.nodes, login, tls, (client, node) => askCluster(client, node, target, bookKey));
  }
}

/** Asks one node after the other, until one knows. */
async function firstAnswer(
  nodes: readonly Address[],
  login: Login,
  tls: RedisTls | undefined,
  ask: (client: Client, node: Address) => Promise<Address>,
): Promise<Address> {
  let problem: unknown;
  for (const node of nodes) {
    let client: Client | undefined;
    try {
      client = await connectClient(node, login, tls);
      return await ask(client, node);
    } catch (error) {
      problem = error;
    } finally {
      client?.destroy();
    }
  }
  throw storeUnavailable("no Redis node knows who serves the book", problem);
}

async function askSentinel(client: Client, target: RedisSentinel): Promise<Address> {
  const reply = await client.send(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", target.masterName]);
  if (!Array.isArray(reply)) throw storeUnavailable(`the sentinel knows no master ${target.masterName}`);
  return { host: String(reply[0]), port: Number(reply[1]) };
}

async function askCluster(client: Client, node: Address, _: RedisCluster, bookKey: string): Promise<Address> {
  const [slot, ranges] = await Promise.all([
    client.send(["CLUSTER", "KEYSLOT", bookKey]),
    client.send(["CLUSTER", "SLOTS"]),
  ]);
  for (const [from, to, master] of ranges as [number, number, [string | null, number]][]) {
    // A node that does not know its own name means the one it was asked under.
    if (from <= Number(slot) && Number(slot) <= to) return { host: master[0] || node.host, port: master[1] };
  }
  throw storeUnavailable("no node of the Redis Cluster serves the book's slot");
}
