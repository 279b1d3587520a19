import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { END_HEADERS, END_STREAM, frame, PREFACE, TYPES } from "../../fault/fuzz/wire.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { rawExchange } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, principalName } from "./support.ts";

const PATH = `/${CapabilityService.typeName}/GetCapabilities`;
const RIGHT = bearer(principalName("owner", "*")).authorization ?? "";
const REFUSAL = "authorization: the request has more than one";

/** One call with just these credentials; clients that keep the rules cannot send it. */
function http2Call(credentials: readonly string[]): Buffer {
  const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const headers = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", PATH],
    [":authority", "localhost"],
    ["content-type", "application/json"],
    ...credentials.map((value) => ["authorization", value]),
  ];
  const block = headers.map((pair) => Buffer.concat([Buffer.from([0]), ...pair.map(literal)]));
  return Buffer.concat([
    PREFACE,
    frame(TYPES.settings, 0, 0),
    frame(TYPES.headers, END_HEADERS, 1, Buffer.concat(block)),
    frame(TYPES.data, END_STREAM, 1, Buffer.from("{}")),
  ]);
}

function http1Call(credentials: readonly string[]): string {
  const lines = credentials.map((value, i) => `${i === 0 ? "Authorization" : "AUTHORIZATION"}: ${value}`);
  const head = [`POST ${PATH} HTTP/1.1`, "Host: localhost", "Content-Type: application/json"];
  return [...head, "Content-Length: 2", "Connection: close", ...lines, "", "{}"].join("\r\n");
}

describe("credentials that stand in a request twice", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ auth_tokens: AUTH_TOKENS });
  });
  after(() => server.stop());

  for (const [protocol, request] of [
    ["HTTP/1.1", http1Call],
    ["HTTP/2", http2Call],
  ] as const) {
    it(`speak for nobody, in whatever order (${protocol})`, async () => {
      for (const pair of [
        [RIGHT, "Bearer wrong"],
        ["Bearer wrong", RIGHT],
        [RIGHT, RIGHT],
      ]) {
        const { text } = await rawExchange(server.port, request(pair));
        expect(text, pair.join(" and ")).to.contain(REFUSAL);
      }
    });

    it(`are those of one caller where they stand once (${protocol})`, async () => {
      const { text } = await rawExchange(server.port, request([RIGHT]));
      expect(text).to.contain("main").and.not.to.contain(REFUSAL); // the name of the book
    });
  }
});
