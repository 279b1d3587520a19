/** Loaded into a server process before everything else: on SIGUSR2 something goes wrong that nobody catches. */
const FAULTS: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new Error("thrown on purpose");
  },
  reject: () => void Promise.reject(new Error("rejected on purpose")),
};

process.on("SIGUSR2", () => setImmediate(FAULTS[process.env.TEST_FAULT ?? ""] ?? (() => undefined)));
