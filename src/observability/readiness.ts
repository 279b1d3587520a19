import type { Store } from "../ports/store.ts";
import type { Readiness } from "./admin-server.ts";

/** A store that has not answered by then, in milliseconds, counts as unreachable. */
const STORE_LIMIT_MS = 2_000;

/** Ready = not draining, and the store answers. */
export function createReadiness(
  store: Pick<Store, "read">,
  isDraining: () => boolean,
  limitMs = STORE_LIMIT_MS,
): () => Promise<Readiness> {
  return async () => {
    if (isDraining()) return { ready: false, reason: "draining" };
    return (await answers(store, limitMs))
      ? { ready: true }
      : { ready: false, reason: "the store does not answer" };
  };
}

function answers(store: Pick<Store, "read">, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    const settle = (isAnswer: boolean) => {
      clearTimeout(timer);
      resolve(isAnswer);
    };
    store.read({ keys: [] }).then(
      () => settle(true),
      () => settle(false),
    );
  });
}
