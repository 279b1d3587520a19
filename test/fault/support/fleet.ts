/** Server processes that are replaced as they die, by spares that have their modules loaded already. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultPoint, FromServer, StartOptions, ToServer } from "../../support/faults.ts";
import { type Client, openClient } from "../../support/wire-client.ts";

const SERVER = join(import.meta.dirname, "../../support/faulty-server.ts");
const START_LIMIT_MS = 30_000;
/** A start fails while the store is down; one that fails so often has another reason. */
const MOST_FAILURES = 60;

/** One running server. */
export interface Member {
  readonly name: string;
  readonly client: Client;
  readonly port: number;
  isAlive(): boolean;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  gone(): Promise<void>;
  /** Resolves when the server knows: calls sent from here on may meet the fault. */
  arm(fault: Fault): Promise<void>;
  /** Resolves when an armed `hold` or `stop` strikes. To be asked for before the call that meets it. */
  reached(): Promise<FaultPoint>;
  /** Ends a `hold`. */
  go(): void;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
}

export interface Fleet {
  /** Those that serve now. */
  members(): readonly Member[];
  /** Resolves when all places are taken. */
  whole(): Promise<void>;
  /** Kills all; nobody comes after them. */
  close(): Promise<void>;
}

/** A process that was forked and waits for its orders. */
interface Spare {
  readonly child: ChildProcess;
  readonly loaded: Promise<void>;
}

let cache: string | undefined;

/** Where servers find each other's compiled modules: half of their start is spent on compiling. */
function compileCache(): string {
  if (cache !== undefined) return cache;
  const folder = mkdtempSync(join(tmpdir(), "ws-chaos-cache-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  cache = folder;
  return folder;
}

function forkServer(): Spare {
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache() };
  const child = fork(SERVER, [], { stdio: ["ignore", "ignore", "inherit", "ipc"], env });
  const loaded = answerOf(child, (message) => ("loaded" in message ? true : undefined)).then(() => {});
  loaded.catch(() => {}); // who takes the spare will hear of it
  return { child, loaded };
}

/** The first message that `read` makes something of; rejects when the process ends before. */
function answerOf<T>(child: ChildProcess, read: (message: FromServer) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error("the server did not answer in time")), START_LIMIT_MS);
    function finish(error: Error): void {
      stop();
      reject(error);
    }
    const onExit = () => finish(new Error("the server ended"));
    const onMessage = (message: FromServer) => {
      if ("failed" in message) return finish(new Error(message.failed));
      const answer = read(message);
      if (answer === undefined) return;
      stop();
      resolve(answer);
    };
    function stop(): void {
      clearTimeout(timer);
      child.off("exit", onExit);
      child.off("message", onMessage);
    }
    child.on("exit", onExit);
    child.on("message", onMessage);
  });
}

async function begin({ child, loaded }: Spare, name: string, options: StartOptions): Promise<Member> {
  const tell = (message: ToServer) => void (child.connected && child.send(message));
  await loaded;
  const listening = answerOf(child, (message) => ("port" in message ? message.port : undefined));
  tell({ start: options });
  const port = await listening;
  const client = openClient(port);
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const gone = async () => {
    if (isAlive()) await once(child, "exit");
  };
  return {
    name,
    client,
    port,
    isAlive,
    gone,
    async kill() {
      child.kill("SIGKILL");
      await gone();
    },
    async arm(fault) {
      const known = answerOf(child, (message) => ("armed" in message ? true : undefined));
      tell({ arm: fault });
      await known;
    },
    reached() {
      const struck = answerOf(child, (message) => ("reached" in message ? message.reached : undefined));
      struck.catch(() => {}); // is waited for when the call has been sent
      return struck;
    },
    go: () => tell({ go: true }),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
  };
}

export interface FleetOptions {
  readonly size: number;
  readonly start: StartOptions;
  /** Processes in waiting: as many as may die within one start. */
  readonly spares?: number;
}

export async function startFleet({ size, start, spares = 1 }: FleetOptions): Promise<Fleet> {
  const places: (Member | undefined)[] = Array.from({ length: size }, () => undefined);
  const waiting: Spare[] = [];
  const children = new Set<ChildProcess>();
  let closed = false;
  let failure: unknown;

  function forked(): Spare {
    const spare = forkServer();
    children.add(spare.child);
    spare.child.once("exit", () => children.delete(spare.child));
    return spare;
  }

  function takeSpare(): Spare {
    const spare = waiting.shift() ?? forked();
    while (!closed && waiting.length < spares) waiting.push(forked());
    return spare;
  }

  /** Keeps one place taken until the fleet closes. A start may fail while the store is down: it is tried again. */
  async function keep(place: number): Promise<void> {
    let failures = 0;
    for (let attempt = 0; !closed && failures < MOST_FAILURES; attempt++) {
      const spare = takeSpare();
      try {
        const member = await begin(spare, `${place}.${attempt}`, start);
        places[place] = member;
        failures = 0;
        await member.gone();
        places[place] = undefined;
        member.client.close();
      } catch (error) {
        failure = error;
        failures++;
        spare.child.kill("SIGKILL");
        await sleep(failures * 20);
      }
    }
  }

  const kept = places.map((_, place) => keep(place));
  const members = () => places.filter((member) => member?.isAlive() === true) as Member[];

  async function whole(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (members().length < size) {
      if (performance.now() > deadline) throw new Error("the servers do not start", { cause: failure });
      await sleep(5);
    }
  }

  async function close(): Promise<void> {
    closed = true;
    for (const member of members()) member.client.close();
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(kept);
  }

  try {
    await whole();
  } catch (error) {
    await close();
    throw error;
  }
  return { members, whole, close };
}
