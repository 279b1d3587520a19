import { isIPv6 } from "node:net";

/** Slows down who tries credentials: counts failures per network address. */
export interface FailureLimit {
  /**
   * Judges one authentication.
   *
   * @param credential what was recognised; undefined for a failure.
   * @returns undefined where it counts as it is. Else how long to wait, in milliseconds: this address failed too often,
   *   and whatever it has not succeeded with before is refused unseen, so that a right guess looks like a wrong one.
   */
  judge(address: string, credential: string | undefined): number | undefined;
}

interface Neighbourhood {
  /** Failures that are still free. */
  left: number;
  at: number;
  /** What succeeded from here: those callers go on while others try. */
  readonly known: Set<string>;
}

/** The oldest are forgotten; a stranger who can call from more networks than this is not held up by counting. */
const MAX_NETWORKS = 10_000;
/** Credentials are those of the settings, so there are few; a bound all the same. */
const MAX_KNOWN = 1_000;

/**
 * @param perSecond failures that an address may make per second, and as many at once.
 * @param now monotonic, in milliseconds.
 */
export function createFailureLimit(perSecond: number, now: () => number): FailureLimit {
  const networks = new Map<string, Neighbourhood>();

  function neighbourhoodOf(address: string): Neighbourhood {
    const key = networkOf(address);
    const found = networks.get(key) ?? { left: perSecond, at: now(), known: new Set() };
    networks.delete(key); // the newest stands last
    networks.set(key, found);
    for (const [oldest] of networks) {
      if (networks.size <= MAX_NETWORKS) break;
      networks.delete(oldest);
    }
    return found;
  }

  function refill(neighbourhood: Neighbourhood): void {
    const at = now();
    neighbourhood.left = Math.min(
      perSecond,
      neighbourhood.left + ((at - neighbourhood.at) * perSecond) / 1000,
    );
    neighbourhood.at = at;
  }

  return {
    judge(address, credential) {
      const neighbourhood = neighbourhoodOf(address);
      if (credential !== undefined && neighbourhood.known.has(credential)) return undefined;
      refill(neighbourhood);
      if (neighbourhood.left < 1) return Math.ceil(((1 - neighbourhood.left) * 1000) / perSecond);
      if (credential === undefined) neighbourhood.left -= 1;
      else if (neighbourhood.known.size < MAX_KNOWN) neighbourhood.known.add(credential);
      return undefined;
    },
  };
}

/** IPv4 addresses stand for themselves; of IPv6 one customer has a whole /64. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.toLowerCase().startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  return [...front, ...Array<string>(zeros).fill("0"), ...back].slice(0, 4).join(":");
}
