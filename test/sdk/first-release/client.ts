/**
 * A caller that was built when package v1 first came out and never since: another gRPC library, and nothing of today's
 * protos or generated code, only the descriptors of release 0.1.0 beside this file. They were written with
 * `buf build proto --path proto/worldservice/v1 --as-file-descriptor-set --exclude-source-info` and stay as they are.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createFileRegistry,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type ClientReadableStream, credentials, Client as GrpcClient } from "@grpc/grpc-js";

const RELEASE = "worldservice-v1-0.1.0.binpb";

export interface OldClient {
  /**
   * @param path `RebalanceService/PlanRebalance`.
   * @param request fields as the proto names them.
   */
  call(path: string, request: JsonObject): Promise<JsonObject>;
  /** The messages of a subscription, until it is cancelled. */
  subscribe(request: JsonObject): ClientReadableStream<JsonObject>;
  close(): void;
}

const image = fromBinary(FileDescriptorSetSchema, readFileSync(join(import.meta.dirname, RELEASE)));
const registry = createFileRegistry(image);

function methodOf(path: string): DescMethod {
  const [service, name] = path.split("/");
  const found = registry.getService(`worldservice.v1.${service}`)?.methods.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the first release has no ${path}`);
  return found;
}

const writer = ({ input }: DescMethod) => {
  return (request: JsonObject) => Buffer.from(toBinary(input, fromJson(input, request)));
};
/** What a newer server adds is unknown to these descriptors, and so does not show. */
const reader = ({ output }: DescMethod) => {
  const how = { useProtoFieldName: true, alwaysEmitImplicit: true };
  return (bytes: Buffer) => toJson(output, fromBinary(output, bytes), how) as JsonObject;
};

export function openOldClient(port: number): OldClient {
  const client = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call(path, request) {
      const method = methodOf(path);
      return new Promise((resolve, reject) => {
        const wire = `/worldservice.v1.${path}`;
        client.makeUnaryRequest(wire, writer(method), reader(method), request, (error, answer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error);
        });
      });
    },
    subscribe(request) {
      const path = "ControlBusService/Subscribe";
      const method = methodOf(path);
      return client.makeServerStreamRequest(
        `/worldservice.v1.${path}`,
        writer(method),
        reader(method),
        request,
      );
    },
    close: () => client.close(),
  };
}
