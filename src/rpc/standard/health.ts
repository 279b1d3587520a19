import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#thirdparty/health/v1/health_pb.ts";

/** The health of the server and of each service it was made for. */
export interface HealthService {
  /** Adds `grpc.health.v1.Health` (Check, Watch, List). */
  routes(router: ConnectRouter): void;
  /** `service` is a full name (`worldservice.v1.RebalanceService`), or "" for the server as a whole. */
  setServing(service: string, serving: boolean): void;
  /** Everything NOT_SERVING, for good: later calls of `setServing` change nothing. */
  drain(): void;
}

/** @param services full names; each of them and the server as a whole ("") begin as SERVING. */
export function createHealth(services: Iterable<string>): HealthService {
  const statuses = new Map<string, Status>([["", Status.SERVING]]);
  for (const service of services) statuses.set(service, Status.SERVING);
  const waiting = new Set<() => void>();
  let drained = false;

  function set(service: string, status: Status): void {
    statuses.set(service, status);
    for (const wake of waiting) wake();
  }

  /** Resolves at the next change of anything, or when the caller is gone; holds nothing after that. */
  function nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }

  return {
    routes(router) {
      router.service(Health, {
        check({ service }) {
          const status = statuses.get(service);
          if (status === undefined) throw new ConnectError("unknown service", Code.NotFound);
          return { status };
        },
        async *watch({ service }, { signal }) {
          let told: Status | undefined;
          while (!signal.aborted) {
            const status = statuses.get(service) ?? Status.SERVICE_UNKNOWN;
            if (status === told) {
              await nextChange(signal);
            } else {
              told = status;
              yield { status };
            }
          }
          signal.throwIfAborted(); // tells the caller why: without it a stopping server looks like a finished stream
        },
        list() {
          return { statuses: Object.fromEntries([...statuses].map(([name, status]) => [name, { status }])) };
        },
      });
    },
    setServing(service, serving) {
      if (!drained) set(service, serving ? Status.SERVING : Status.NOT_SERVING);
    },
    drain() {
      drained = true;
      for (const service of statuses.keys()) set(service, Status.NOT_SERVING);
    },
  };
}
