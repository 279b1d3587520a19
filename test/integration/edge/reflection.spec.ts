import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { pino } from "pino";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { ServerReflection as V1 } from "#thirdparty/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as V1Alpha } from "#thirdparty/grpc/reflection/v1alpha/reflection_pb.ts";
import { createEdge, type Edge } from "../../../src/rpc/edge/create-edge.ts";
import { reflectionRoutes } from "../../../src/rpc/standard/reflection.ts";
import { collect } from "./support.ts";

const BUF = join(import.meta.dirname, "..", "..", "..", "node_modules", ".bin", "buf");

describe("reflection", () => {
  let edge: Edge;
  let url: string;

  beforeEach(async () => {
    const reflection = reflectionRoutes([RebalanceService.file]);
    edge = createEdge({
      log: pino({ level: "silent" }),
      routes: (router) => {
        reflection(router);
        router.service(RebalanceService, { planRebalance: () => ({ plan: { schemaVersion: 1 } }) });
      },
    });
    url = `http://127.0.0.1:${(await edge.listen("127.0.0.1", 0)).port}`;
  });
  afterEach(() => edge.close(1000));

  /** Asks all questions on one stream. */
  function ask(questions: Parameters<ReturnType<typeof createClient<typeof V1>>["serverReflectionInfo"]>[0]) {
    return collect(createClient(V1, createGrpcTransport({ baseUrl: url })).serverReflectionInfo(questions));
  }

  for (const version of ["grpc-v1", "grpc-v1alpha"]) {
    it(`lets buf curl call a method it has no proto of (${version})`, async () => {
      const flags = [
        "--reflect",
        "--reflect-protocol",
        version,
        "--protocol",
        "grpc",
        "--http2-prior-knowledge",
      ];
      const method = `${url}/worldservice.v1.RebalanceService/PlanRebalance`;
      const call = [BUF, "curl", ...flags, "-d", '{"rebalance":{"total_equity":1}}', method];
      const { stdout } = await promisify(execFile)(process.execPath, call);
      expect(JSON.parse(stdout)).to.deep.equal({ plan: { schemaVersion: 1 } });
    });
  }

  it("lists the services, its own included, sorted", async () => {
    const [answer] = await ask(one({ case: "listServices", value: "" }));
    const list = answer?.messageResponse;
    if (list?.case !== "listServicesResponse") throw new Error(`unexpected ${list?.case}`);
    expect(list.value.service.map((service) => service.name)).to.deep.equal([
      V1.typeName,
      V1Alpha.typeName,
      RebalanceService.typeName,
    ]);
  });

  for (const [what, symbol] of [
    ["service", "worldservice.v1.RebalanceService"],
    ["method", "worldservice.v1.RebalanceService.PlanRebalance"],
    ["message", "worldservice.v1.RebalanceRequest"],
    ["field", "worldservice.v1.RebalanceRequest.total_equity"],
  ]) {
    it(`gives the file of a ${what} with all it imports, enough to build it`, async () => {
      const [answer] = await ask(one({ case: "fileContainingSymbol", value: symbol ?? "" }));
      const files = answer?.messageResponse;
      if (files?.case !== "fileDescriptorResponse") throw new Error(`unexpected ${files?.case}`);
      const file = files.value.fileDescriptorProto.map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      expect(file[0]?.name).to.equal("worldservice/v1/rebalance_service.proto");
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
      expect(registry.getService(RebalanceService.typeName)?.methods.length).to.equal(
        RebalanceService.methods.length,
      );
    });
  }

  it("finds files by name, extensions by number, and says what it has not", async () => {
    const answers = await ask(
      several([
        { case: "fileByFilename", value: "worldservice/v1/rebalance_service.proto" },
        {
          case: "fileContainingExtension",
          value: { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 },
        },
        { case: "allExtensionNumbersOfType", value: "google.protobuf.FieldOptions" },
        { case: "fileByFilename", value: "../../etc/passwd" },
        { case: "fileContainingSymbol", value: "no.Such" },
        { case: "fileContainingExtension", value: { containingType: "no.Such", extensionNumber: 1 } },
        { case: "allExtensionNumbersOfType", value: "no.Such" },
        { case: undefined },
      ]),
    );
    expect(answers.map((answer) => answer.messageResponse.case)).to.deep.equal([
      "fileDescriptorResponse",
      "fileDescriptorResponse",
      "allExtensionNumbersResponse",
      "errorResponse",
      "errorResponse",
      "errorResponse",
      "errorResponse",
      "errorResponse",
    ]);
    const numbers = answers[2]?.messageResponse;
    expect(numbers?.case === "allExtensionNumbersResponse" && numbers.value.extensionNumber).to.include(1159);
    const codes = answers.map(({ messageResponse: r }) =>
      r.case === "errorResponse" ? r.value.errorCode : undefined,
    );
    expect(codes.slice(3)).to.deep.equal([...Array(4).fill(Code.NotFound), Code.InvalidArgument]);
  });
});

type Question =
  | {
      case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType";
      value: string;
    }
  | { case: "fileContainingExtension"; value: { containingType: string; extensionNumber: number } }
  | { case: undefined };

const one = (question: Question) => several([question]);

async function* several(questions: Question[]) {
  for (const messageRequest of questions) yield { messageRequest };
}
