/** A gRPC client that is not ours (`@grpc/grpc-js`) and sees the bytes of answers as they came. */
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { credentials, Client as GrpcClient, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#thirdparty/google/rpc/status_pb.ts";

export type Reply =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | {
      readonly ok: false;
      readonly code: status;
      /** `ErrorInfo.reason`; empty when the error is not the service's. */
      readonly reason: string;
      readonly metadata: Readonly<Record<string, string>>;
    };

export interface Client {
  /** @param path `/worldservice.v2.AllocationService/UpsertAllocations`. */
  call(path: string, request: Uint8Array, deadlineMs: number): Promise<Reply>;
  close(): void;
}

const asIs = (bytes: Uint8Array) => Buffer.from(bytes);

export function openClient(port: number): Client {
  const client = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 200,
  });
  return {
    call: (path, request, deadlineMs) =>
      new Promise((resolve) => {
        const options = { deadline: Date.now() + deadlineMs };
        client.makeUnaryRequest(path, asIs, asIs, request, new Metadata(), options, (error, bytes) => {
          resolve(error === null && bytes !== undefined ? { ok: true, bytes } : refusalOf(error));
        });
      }),
    close: () => client.close(),
  };
}

function refusalOf(error: ServiceError | null): Reply {
  if (error === null) return { ok: false, code: status.INTERNAL, reason: "", metadata: {} };
  const [details] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const info = details instanceof Uint8Array ? errorInfo(details) : undefined;
  return { ok: false, code: error.code, reason: info?.reason ?? "", metadata: info?.metadata ?? {} };
}

function errorInfo(details: Uint8Array) {
  for (const detail of fromBinary(StatusSchema, details).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) return info;
  }
  return undefined;
}
