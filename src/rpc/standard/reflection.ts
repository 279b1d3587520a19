import type { DescFile } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import {
  type ServerReflectionRequest,
  ServerReflection as V1,
} from "#thirdparty/grpc/reflection/v1/reflection_pb.ts";
import {
  type ServerReflectionRequest as AlphaRequest,
  ServerReflection as V1Alpha,
} from "#thirdparty/grpc/reflection/v1alpha/reflection_pb.ts";
import { type DescriptorIndex, indexDescriptors } from "./descriptor-index.ts";

// Both versions have the same messages under different package names: these types fit either.
type Question = ServerReflectionRequest["messageRequest"] | AlphaRequest["messageRequest"];
type Answer =
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "errorResponse"; value: { errorCode: Code; errorMessage: string } };

/** Adds gRPC server reflection (v1 and v1alpha) over the given files, all they import, and reflection itself. */
export function reflectionRoutes(files: Iterable<DescFile>): (router: ConnectRouter) => void {
  const index = indexDescriptors([...files, V1.file, V1Alpha.file]);
  return (router) => {
    router.service(V1, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          const messageResponse = answer(index, request.messageRequest);
          yield { validHost: request.host, originalRequest: request, messageResponse };
        }
      },
    });
    router.service(V1Alpha, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          const messageResponse = answer(index, request.messageRequest);
          yield { validHost: request.host, originalRequest: request, messageResponse };
        }
      },
    });
  };
}

function answer(index: DescriptorIndex, question: Question): Answer {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.services.map((name) => ({ name })) } };
    case "fileByFilename":
      return files(index.byFileName(question.value));
    case "fileContainingSymbol":
      return files(index.bySymbol(question.value));
    case "fileContainingExtension":
      return files(index.byExtension(question.value.containingType, question.value.extensionNumber));
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.extensionNumbers(question.value);
      if (extensionNumber === undefined) return notFound();
      return {
        case: "allExtensionNumbersResponse",
        value: { baseTypeName: question.value, extensionNumber },
      };
    }
    case undefined:
      return {
        case: "errorResponse",
        value: { errorCode: Code.InvalidArgument, errorMessage: "no question" },
      };
  }
}

function files(fileDescriptorProto: Uint8Array[] | undefined): Answer {
  if (fileDescriptorProto === undefined) return notFound();
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(): Answer {
  return { case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage: "not found" } };
}
