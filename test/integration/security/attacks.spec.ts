import { createHash } from "node:crypto";
import { once } from "node:events";
import http2 from "node:http2";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { envelope, rawExchange, rawHttp2 } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, OWN, principalName, tokenOf } from "./support.ts";

const READER = principalName("reader", OWN);
const OWNER = principalName("owner", "*");
const TOKEN = tokenOf(OWNER);
const PATH = `/${CapabilityService.typeName}/GetCapabilities`;
const GET_WORLD = `/${WorldService.typeName}/GetWorld`;

const JSON_TYPE = "application/json";
const GRPC_WEB = "application/grpc-web+proto";
const EMPTY_MESSAGE = envelope(Buffer.alloc(0));

interface Http1Request {
  readonly method?: string;
  readonly target?: string;
  readonly type?: string;
  readonly body?: string;
}

/** One HTTP/1.1 request as it stands on the wire. */
function http1(lines: readonly string[], request: Http1Request = {}): string {
  const { method = "POST", target = PATH, type = JSON_TYPE } = request;
  const body = request.body ?? (type === JSON_TYPE ? "{}" : `${EMPTY_MESSAGE}`);
  const head = [`${method} ${target} HTTP/1.1`, "Host: localhost", `Content-Type: ${type}`];
  return [...head, `Content-Length: ${body.length}`, ...lines, "", body].join("\r\n");
}

/** The statuses of all answers on a connection, in order. */
function statuses(text: string): string[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status = ""]) => status);
}

/** Where an answer has no gRPC status, its HTTP status says it all. */
function answerOf(httpStatus: unknown, grpcStatus: unknown): Answer | undefined {
  return grpcStatus === undefined ? BY_HTTP_STATUS.get(httpStatus) : BY_GRPC_STATUS.get(grpcStatus);
}

type Answer = "admitted" | "unauthenticated" | "malformed";
const BY_HTTP_STATUS = new Map<unknown, Answer>([
  ["200", "admitted"],
  ["401", "unauthenticated"],
  ["400", "malformed"],
]);
const BY_GRPC_STATUS = new Map<unknown, Answer>([
  ["0", "admitted"],
  [String(Code.Unauthenticated), "unauthenticated"],
]);

describe("attacks on authentication", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ auth_tokens: AUTH_TOKENS, auth_failure_limit: "1000000/s" });
  });
  after(() => server.stop());

  async function overHttp1(
    lines: readonly string[],
    request: Http1Request = {},
  ): Promise<Answer | undefined> {
    const { text } = await rawExchange(server.port, http1(["Connection: close", ...lines], request), 5000);
    return answerOf(statuses(text)[0], /grpc-status: ?(\d+)/.exec(text)?.[1]);
  }

  async function overHttp2(
    headers: http2.OutgoingHttpHeaders,
    type = "application/grpc",
  ): Promise<Answer | undefined> {
    const body = type === JSON_TYPE ? Buffer.from("{}") : EMPTY_MESSAGE;
    const answer = await rawHttp2(server.port, { ":path": PATH, "content-type": type, ...headers }, body);
    const inBody = /grpc-status: ?(\d+)/.exec(answer.body)?.[1];
    const status = answer.headers["grpc-status"] ?? answer.trailers["grpc-status"] ?? inBody;
    return answerOf(String(answer.status), status);
  }

  /** The same credential through each of the roads that a call can take. */
  async function everywhere(authorization: string): Promise<(Answer | undefined)[]> {
    return [
      await overHttp1([`Authorization: ${authorization}`]),
      await overHttp1([`Authorization: ${authorization}`], { type: GRPC_WEB }),
      await overHttp2({ authorization }),
      await overHttp2({ authorization }, JSON_TYPE),
      await overHttp2({ authorization }, GRPC_WEB),
    ];
  }

  for (const [what, value] of [
    ["no scheme", TOKEN],
    ["another scheme", `Basic ${TOKEN}`],
    ["the scheme alone", "Bearer"],
    ["another case", `Bearer ${TOKEN.toUpperCase()}`],
    ["one character less", `Bearer ${TOKEN.slice(0, -1)}`],
    ["one character more", `Bearer ${TOKEN}0`],
    ["a space within", `Bearer ${TOKEN.slice(0, 5)} ${TOKEN.slice(5)}`],
    ["a tab instead of the space", `Bearer\t${TOKEN}`],
    ["quotes", `Bearer "${TOKEN}"`],
    ["itself twice", `Bearer ${TOKEN}, Bearer ${TOKEN}`],
    ["percent signs", `Bearer ${TOKEN.replace("o", "%6f")}`],
    ["Base64", `Bearer ${Buffer.from(TOKEN).toString("base64")}`],
    ["its own digest, as the settings hold it", `Bearer ${createHash("sha256").update(TOKEN).digest("hex")}`],
    ["a parameter", `Bearer token=${TOKEN}`],
    ["bytes that are no ASCII", `Bearer ${TOKEN}é`],
    ["more than any token is long", `Bearer ${TOKEN}${"0".repeat(5000)}`],
  ] as const) {
    it(`get nowhere with ${what}`, async () => {
      for (const answer of await everywhere(value))
        expect(answer).to.be.oneOf(["unauthenticated", "malformed"]);
    });
  }

  it("differ from what the standard allows: any case of the scheme, spaces around the token", async () => {
    for (const value of [`bearer ${TOKEN}`, `BEARER   ${TOKEN}`]) {
      for (const answer of await everywhere(value)) expect(answer, value).to.equal("admitted");
    }
    expect(await overHttp1([`Authorization: \t Bearer ${TOKEN} \t`])).to.equal("admitted");
  });

  it("get nowhere with a token in any other place", async () => {
    const places = [
      await overHttp1([], { target: `${PATH}?access_token=${TOKEN}&authorization=Bearer%20${TOKEN}` }),
      await overHttp1([`Cookie: authorization=Bearer ${TOKEN}; access_token=${TOKEN}`]),
      await overHttp1([`Proxy-Authorization: Bearer ${TOKEN}`]),
      await overHttp1([`X-Authorization: Bearer ${TOKEN}`, `X-Forwarded-User: ${OWNER}`]),
      await overHttp2({ "authorization-bin": Buffer.from(`Bearer ${TOKEN}`).toString("base64") }),
    ];
    expect(new Set(places)).to.deep.equal(new Set(["unauthenticated"]));
  });

  it("get nowhere with a token behind the body", async () => {
    const body = `2\r\n{}\r\n0\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    const head = http1(["Connection: close", "Transfer-Encoding: chunked", "Trailer: Authorization"]);
    const chunked = head.replace(/Content-Length: \d+\r\n/, "").replace(/\{\}$/, body);
    const { text } = await rawExchange(server.port, chunked, 5000);
    expect(statuses(text)).to.deep.equal(["401"]);
    const session = http2.connect(server.baseUrl);
    const stream = session.request(
      { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ authorization: `Bearer ${TOKEN}` }));
    stream.end(envelope(Buffer.alloc(0)));
    const ends: http2.IncomingHttpHeaders[] = [];
    stream.on("response", (headers) => ends.push(headers)).on("trailers", (trailers) => ends.push(trailers));
    await once(stream.resume(), "close");
    expect(ends.map((end) => end["grpc-status"])).to.include(String(Code.Unauthenticated));
    session.destroy();
  });

  it("get nowhere with header lines that Node would mend", async () => {
    for (const lines of [
      [`Authorization : Bearer ${TOKEN}`],
      ["Authorization: Bearer", `  ${TOKEN}`],
      [`Authorization: Bearer ${TOKEN}\0`],
      [`X: y\nAuthorization: Bearer ${TOKEN}`],
    ]) {
      expect(await overHttp1(lines), JSON.stringify(lines)).to.equal("malformed");
    }
  });

  it("reach no method under another spelling of its path, whatever token they have", async () => {
    const authorization = `Authorization: Bearer ${TOKEN}`;
    for (const target of [
      PATH.toLowerCase(),
      `${PATH}/`,
      `/${PATH}`,
      `/.${PATH}`,
      `${PATH}%00`,
      `${PATH};x`,
      PATH.replace("Get", "%47et"),
      PATH.replace("/Get", "\\Get"),
      `/worldservice.v1.WorldService/..${PATH}`,
      `http://localhost${PATH}`,
      "*",
    ]) {
      const request = http1(["Connection: close", authorization], { target });
      const { text } = await rawExchange(server.port, request, 5000);
      expect(statuses(text)[0], target).to.be.oneOf(["404", "400"]);
    }
  });

  it("do not change the protocol of a connection, and open no tunnel", async () => {
    const upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"];
    const { text } = await rawExchange(server.port, http1(upgrade), 500);
    expect(statuses(text)).to.deep.equal(["401"]);
    const connect = http1([`Authorization: Bearer ${TOKEN}`], { method: "CONNECT", target: "localhost:1" });
    expect(await rawExchange(server.port, connect, 5000)).to.deep.equal({ text: "", closed: true });
  });

  it("do not read with GET, which a page of another site may send", async () => {
    const target = `${PATH}?connect=v1&encoding=json&message=%7B%7D`;
    const get = http1([`Authorization: Bearer ${TOKEN}`], { method: "GET", target, body: "" });
    expect(statuses((await rawExchange(server.port, get, 5000)).text)).to.deep.equal(["405"]);
  });

  it("get no leave for the pages of other sites", async () => {
    const preflight = http1(["Origin: http://evil.example", "Access-Control-Request-Method: POST"], {
      method: "OPTIONS",
    });
    const answered = http1([`Authorization: Bearer ${TOKEN}`, "Origin: http://evil.example"]);
    for (const request of [preflight, answered]) {
      const { text } = await rawExchange(server.port, request, 500);
      expect(statuses(text)).to.have.length(1);
      expect(text.toLowerCase()).not.to.contain("access-control-");
    }
  });

  it("do not borrow the token of the request before theirs on the same connection", async () => {
    const ask = (lines: readonly string[]) =>
      http1(lines, { target: GET_WORLD, body: JSON.stringify({ worldId: "nobody's" }) });
    const [owner, reader] = [OWNER, READER].map((name) => `Authorization: ${bearer(name).authorization}`);
    const pipeline = [[owner], [], [reader], [owner], ["Authorization: Bearer wrong"], ["Connection: close"]];
    const { text } = await rawExchange(
      server.port,
      pipeline.map((lines) => ask(lines.filter((line) => line !== undefined))).join(""),
      5000,
    );
    // The owner learns that there is no such world; the reader of another one does not.
    expect(statuses(text)).to.deep.equal(["404", "401", "403", "404", "401", "401"]);
  });

  it("get nothing more on a connection that is open when their token is taken away", async () => {
    const open = await startServer({ auth_tokens: AUTH_TOKENS });
    const session = http2.connect(open.baseUrl);
    const status = async () => {
      const stream = session.request({
        ":method": "POST",
        ":path": PATH,
        "content-type": JSON_TYPE,
        authorization: `Bearer ${TOKEN}`,
      });
      stream.end("{}");
      const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
      stream.close();
      return headers[":status"];
    };
    try {
      expect(await status()).to.equal(200);
      const others = (JSON.parse(AUTH_TOKENS) as { name: string }[]).filter(({ name }) => name !== OWNER);
      open.server.replaceCredentials(
        readSettings({ argv: [`--auth-tokens=${JSON.stringify(others)}`], env: {} }),
      );
      expect(await status()).to.equal(401);
    } finally {
      session.destroy();
      await open.stop();
    }
  });
});
