import { once } from "node:events";
import http2 from "node:http2";

/** A client that adds next to nothing to what it measures: node's own HTTP/2, gRPC framing by hand. */
export interface RawClient {
  /** The message of the answer, without its frame. Throws where the call failed. */
  call(path: string, message: Uint8Array): Promise<Buffer>;
  close(): Promise<void>;
}

const FRAME_BYTES = 5;

export async function connectRaw(port: number): Promise<RawClient> {
  const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 64 << 20 } });
  await once(session, "connect");
  session.setLocalWindowSize(64 << 20);
  return {
    call: (path, message) => call(session, path, message),
    async close() {
      session.close();
      await once(session, "close");
    },
  };
}

function call(session: http2.ClientHttp2Session, path: string, message: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  const chunks: Buffer[] = [];
  let status: unknown;
  const readStatus = (headers: http2.IncomingHttpHeaders) => {
    status = headers["grpc-status"] ?? status;
  };
  stream.on("response", readStatus).on("trailers", readStatus);
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", reject);
  stream.on("end", () => {
    if (status === "0") resolve(Buffer.concat(chunks).subarray(FRAME_BYTES));
    else reject(new Error(`${path} ended with gRPC status ${String(status)}`));
  });
  stream.end(frame(message));
  return promise;
}

/** A message as one gRPC envelope. */
export function frame(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_BYTES + message.byteLength);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.byteLength, 1);
  bytes.set(message, FRAME_BYTES);
  return bytes;
}
