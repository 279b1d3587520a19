/** How the demo talks to the server: generated clients over gRPC, and one call through an independent gRPC library. */

import type { DescMethodUnary, Message, MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { credentials, Client as GrpcJsClient } from "@grpc/grpc-js";
import { AllocationService as AllocationServiceV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService as ControlBusServiceV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { RebalanceService as RebalanceServiceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationServiceV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ControlBusService as ControlBusServiceV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { RebalanceService as RebalanceServiceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";

/** Deadline of every unary call, in milliseconds. */
const CALL_MS = 10_000;

export interface Clients {
  readonly capabilities: Client<typeof CapabilityService>;
  readonly rebalanceV1: Client<typeof RebalanceServiceV1>;
  readonly rebalanceV2: Client<typeof RebalanceServiceV2>;
  readonly allocationsV1: Client<typeof AllocationServiceV1>;
  readonly allocationsV2: Client<typeof AllocationServiceV2>;
  readonly feedV1: Client<typeof ControlBusServiceV1>;
  readonly feedV2: Client<typeof ControlBusServiceV2>;
  /** Ends the connection, and with it every stream. */
  close(): void;
}

/** Clients of the server at `address`, all on one connection. */
export function connect(address: string): Clients {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager, defaultTimeoutMs: CALL_MS });
  return {
    capabilities: createClient(CapabilityService, transport),
    rebalanceV1: createClient(RebalanceServiceV1, transport),
    rebalanceV2: createClient(RebalanceServiceV2, transport),
    allocationsV1: createClient(AllocationServiceV1, transport),
    allocationsV2: createClient(AllocationServiceV2, transport),
    feedV1: createClient(ControlBusServiceV1, transport),
    feedV2: createClient(ControlBusServiceV2, transport),
    close: () => sessionManager.abort(),
  };
}

/** One unary call through grpc-js: another implementation of gRPC than the server's, so that both must mean the same. */
export async function callWithGrpcJs<I extends Message, O extends Message>(
  address: string,
  method: DescMethodUnary & { input: GenMessage<I>; output: GenMessage<O> },
  request: MessageInitShape<GenMessage<I>>,
): Promise<O> {
  const client = new GrpcJsClient(address, credentials.createInsecure());
  try {
    return await new Promise<O>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: I) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        create(method.input, request),
        { deadline: Date.now() + CALL_MS },
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      );
    });
  } finally {
    client.close();
  }
}
