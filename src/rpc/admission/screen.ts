import type { OutgoingHttpHeaders } from "node:http2";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Screen } from "../edge/http-servers.ts";
import { type ErrorLog, toConnectError } from "../errors.ts";
import { toNodeHeaders } from "../fast/node-headers.ts";
import { type Admission, type Lack, refusalBy } from "./admission.ts";

const GRPC = /^application\/grpc(?:\+proto)?$/i;

/**
 * Refuses gRPC calls that there is no room for by their headers alone, before anything is made of them and before
 * anybody asks who calls. Such refusals come by the thousand and say only a handful of things, so each is encoded once.
 */
export function createScreen({ lackFor }: Pick<Admission, "lackFor">, log: ErrorLog): Screen {
  const encoded = new Map<Lack, OutgoingHttpHeaders>();

  function encode(lack: Lack): OutgoingHttpHeaders {
    const headers = new Headers({ "content-type": "application/grpc+proto" });
    setTrailerStatus(headers, toConnectError(refusalBy(lack), { log }));
    const sent = { ":status": 200, ...toNodeHeaders(headers) };
    encoded.set(lack, sent);
    return sent;
  }

  return ({ ":path": path = "", "content-type": contentType = "" }) => {
    if (!GRPC.test(contentType)) return undefined;
    const lack = lackFor(path.slice(1));
    return lack && (encoded.get(lack) ?? encode(lack));
  };
}
