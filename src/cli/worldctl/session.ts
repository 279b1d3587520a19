/** One run of a command: the connection, the version that is spoken, and how answers are shown. */
import { fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { negotiate, withRetries } from "../../client/index.ts";
import { connectNode, type NodeConnection } from "../../client/node.ts";
import { readText } from "./input.ts";
import { type Io, UsageError } from "./io.ts";
import { tablesOf } from "./render.ts";
import { SPECIAL } from "./render-special.ts";
import { drawTables } from "./table.ts";
import type { Method, Methods } from "./verb.ts";

/** The options that every command has. */
export interface CommonOptions {
  readonly server: string;
  readonly token?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  /** Seconds. */
  readonly timeout: number;
  readonly api: "auto" | "v1" | "v2";
  readonly json?: boolean;
  readonly table?: boolean;
}

export interface Session {
  readonly io: Io;
  readonly options: CommonOptions;
  readonly connection: NodeConnection;
  /** True: proto JSON; false: tables. */
  readonly isJson: boolean;
  readonly hasColor: boolean;
  /** The version to speak, as `--api` or the deployment says. */
  version(): Promise<1 | 2>;
  /** Sends one request and gives the answer as proto JSON, default values included. */
  call(methods: Methods, request: JsonObject): Promise<JsonObject>;
  /** Sends one request, unless `check` throws, and shows the answer. */
  send(methods: Methods, request: JsonObject, check?: (request: JsonObject) => void): Promise<JsonObject>;
  /** A line for people, on standard error. */
  note(text: string): Promise<void>;
  close(): void;
}

/** Without an answer for this long, a terminal is told that the command still waits. */
const PROGRESS_AFTER_MS = 1_000;

/**
 * The PEM files that the options name.
 *
 * @throws UsageError when one cannot be read, or the server is not spoken to over TLS.
 */
async function readTls({ server, tlsCa, tlsCert, tlsKey }: CommonOptions, io: Io) {
  const isGiven = [tlsCa, tlsCert, tlsKey].some((path) => path !== undefined);
  if (isGiven && !server.startsWith("https:")) {
    throw new UsageError(`${server} is spoken to in cleartext: certificates need https://…`);
  }
  const read = async (name: string, path: string | undefined) =>
    path === undefined ? {} : { [name]: await readText(path, path, io) };
  return { ...(await read("ca", tlsCa)), ...(await read("cert", tlsCert)), ...(await read("key", tlsKey)) };
}

export async function openSession(options: CommonOptions, io: Io): Promise<Session> {
  const tls = await readTls(options, io);
  const connection = connectNode(options.server, {
    ...(options.token === undefined ? {} : { token: options.token }),
    ...tls,
    insecure: options.insecure === true,
    timeoutMs: options.timeout * 1_000,
  });
  const transport = withRetries(connection.transport);
  const isJson = options.json === true || (!io.out.isTerminal && options.table !== true);
  const hasColor = io.out.isTerminal && io.wantsColor;
  const note = async (text: string) => {
    if (!isJson || io.err.isTerminal) await io.err.write(`${text}\n`);
  };

  async function version(): Promise<1 | 2> {
    if (options.api !== "auto") return options.api === "v2" ? 2 : 1;
    const spoken = await negotiate(connection.clients, { signal: io.signal });
    if (spoken.version === 1) await note(`speaking v1 (${spoken.fallback})`);
    return spoken.version;
  }

  async function method(methods: Methods): Promise<Method> {
    return methods.v2 !== undefined && (await version()) === 2 ? methods.v2 : methods.v1;
  }

  async function exchange(chosen: Method, request: JsonObject, check?: (request: JsonObject) => void) {
    const input = decode(chosen, request);
    check?.(request);
    const timeoutMs = options.timeout * 1_000;
    const answer = transport.unary(chosen, io.signal, timeoutMs, undefined, input);
    return (await withProgress(io, chosen.name, answer)).message;
  }

  return {
    io,
    options,
    connection,
    isJson,
    hasColor,
    version,
    note,
    async call(methods, request) {
      const chosen = await method(methods);
      return withDefaults(chosen, await exchange(chosen, request));
    },
    async send(methods, request, check) {
      const chosen = await method(methods);
      const message = await exchange(chosen, request, check);
      const whole = withDefaults(chosen, message);
      await io.out.write(
        isJson
          ? `${JSON.stringify(toJson(chosen.output, message), null, 2)}\n`
          : drawTables(tablesOf(chosen.output, whole, SPECIAL), hasColor),
      );
      return whole;
    },
    close: () => connection.close(),
  };
}

function withDefaults(method: Method, message: Parameters<typeof toJson>[1]): JsonObject {
  return toJson(method.output, message, { alwaysEmitImplicit: true }) as JsonObject;
}

/** @throws UsageError naming the field; in v1, also that v1 is what was spoken. */
function decode(method: Method, request: JsonObject) {
  try {
    return fromJson(method.input, request);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const hint = method.parent.typeName.startsWith("worldservice.v1.")
      ? "; package v1 is spoken: what only v2 knows needs compat_rebalance_v2 on the server, or --api v2"
      : "";
    throw new UsageError(`${text}${hint}`);
  }
}

/** Shows on a terminal that an answer takes its time. */
async function withProgress<T>(io: Io, what: string, work: Promise<T>): Promise<T> {
  if (!io.err.isTerminal) return work;
  const begun = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    const seconds = Math.round((performance.now() - begun) / 1_000);
    void io.err.write(`\r${what}: waiting for the server, ${seconds} s`);
  }, PROGRESS_AFTER_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (shown) await io.err.write("\r\u001b[K");
  }
}
