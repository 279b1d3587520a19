import { once } from "node:events";
import http2 from "node:http2";
import { frame } from "../../bench/support/raw-client.ts";

/** What a call came to. */
export interface Answer {
  /** gRPC status; undefined where the stream ended without one. */
  readonly status: number | undefined;
  /** `grpc-status-details-bin` as it was sent. */
  readonly details: string | undefined;
  readonly failure: string | undefined;
}

/** One connection. Calls beyond what the server allows at once wait here, as in every HTTP/2 client. */
export interface Caller {
  /** Never rejects. */
  call(path: string, message: Uint8Array): Promise<Answer>;
  close(): Promise<void>;
}

export async function openCaller(port: number): Promise<Caller> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  await once(session, "connect");
  let failed: string | undefined;
  session.on("error", (error) => {
    failed = error.message;
  });
  return {
    call(path, message) {
      if (session.destroyed) return Promise.resolve(lost(failed ?? "the connection is gone"));
      return call(session, path, message);
    },
    async close() {
      if (session.destroyed) return;
      session.close();
      await once(session, "close");
    },
  };
}

const lost = (failure: string): Answer => ({ status: undefined, details: undefined, failure });

function call(session: http2.ClientHttp2Session, path: string, message: Uint8Array): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    let status: number | undefined;
    let details: string | undefined;
    let failure: string | undefined;
    const read = (headers: http2.IncomingHttpHeaders) => {
      if (headers["grpc-status"] === undefined) return;
      status = Number(headers["grpc-status"]);
      details = headers["grpc-status-details-bin"] as string | undefined;
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("error", (error) => {
      failure = error.message;
    });
    stream.on("close", () => resolve({ status, details, failure }));
    stream.resume();
    stream.end(frame(message));
  });
}
