import { Code, ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { expect } from "chai";
import { ErrorReasonSchema } from "#gen/worldservice/v1/error_reason_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#thirdparty/google/rpc/error_details_pb.ts";
import { DomainError, REASONS } from "../../../src/domain/errors.ts";
import { CODE_BY_REASON, completeConnectError, toConnectError } from "../../../src/rpc/errors.ts";

function setup() {
  const logged: { fields: Record<string, unknown>; message: string }[] = [];
  const log = {
    error: (fields: object, message: string) => {
      logged.push({ fields: { ...fields }, message });
    },
  };
  return { log, logged };
}

/** What goes over the wire: the details as a caller would decode them. */
function seenByCaller(error: ConnectError) {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  return {
    code: error.code,
    message: error.rawMessage,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata,
    violations: badRequest?.fieldViolations.map(({ field, description }) => ({ field, description })),
    retry: retry?.retryDelay,
  };
}

describe("toConnectError", () => {
  it("tells why a call ended when a step failed only because of that, and logs no mistake of ours", () => {
    const { log, logged } = setup();
    const stopped = toConnectError(new DomainError("DRAINING", "the server is shutting down"), { log });
    const late = new ConnectError("the operation timed out", Code.DeadlineExceeded);
    const gone = new DOMException("This operation was aborted", "AbortError");
    for (const [cause, code] of [
      [stopped, Code.Unavailable],
      [late, Code.DeadlineExceeded],
      [gone, Code.Canceled],
    ] as const) {
      expect(toConnectError(new Error("stage acquire failed", { cause }), { log }).code).to.equal(code);
    }
    expect(logged).to.deep.equal([]);
    expect(toConnectError(new Error("failed", { cause: new Error("a bug") }), { log }).code).to.equal(
      Code.Internal,
    );
  });

  for (const reason of REASONS) {
    it(`sends ${reason} under its code, with the reason, the domain and the metadata`, () => {
      const error = toConnectError(new DomainError(reason, "no", { metadata: { world_id: "w1" } }), setup());
      expect(seenByCaller(error)).to.include({
        code: CODE_BY_REASON[reason],
        message: "no",
        reason,
        domain: "worldservice",
      });
      expect(seenByCaller(error).metadata).to.deep.equal({ world_id: "w1" });
    });
  }

  it("names the wrong fields in a BadRequest", () => {
    const violations = [
      { field: "rebalance.positions[3].qty", description: "must be finite" },
      { field: "rebalance.total_equity", description: "must be at least 0" },
    ];
    const error = toConnectError(new DomainError("INVALID_FIELD", "two fields", { violations }), setup());
    expect(seenByCaller(error).violations).to.deep.equal(violations);
  });

  it("says how long to wait where a retry helps, and nothing where none was named", () => {
    const busy = toConnectError(new DomainError("LOCK_TIMEOUT", "busy", { retryAfterMs: 1250 }), setup());
    expect(seenByCaller(busy).retry).to.deep.include({ seconds: 1n, nanos: 250_000_000 });
    expect(seenByCaller(toConnectError(new DomainError("LOCK_TIMEOUT", "busy"), setup())).retry).to.equal(
      undefined,
    );
  });

  it("hides an unknown error behind an id under which the log has its cause", () => {
    const { log, logged } = setup();
    const cause = new Error("connect ECONNREFUSED redis.internal:6379 password=hunter2");
    const error = toConnectError(cause, { log });
    expect(seenByCaller(error)).to.include({
      code: Code.Internal,
      message: "internal error",
      reason: "INTERNAL",
    });
    expect(logged).to.have.length(1);
    expect(logged[0]?.fields).to.deep.equal({ err: cause, errorId: seenByCaller(error).metadata?.error_id });
    expect(error.cause).to.equal(undefined);
    expect(
      JSON.stringify(seenByCaller(error), (_, v) => (typeof v === "bigint" ? String(v) : v)),
    ).not.to.match(/redis|hunter2|at /);
  });

  it("treats an error that another server sent us as unknown: its text is not for our callers", () => {
    const fromExecutor = new ConnectError("gateway.internal says no", Code.PermissionDenied);
    fromExecutor.isWireError = true;
    const error = toConnectError(fromExecutor, setup());
    expect(seenByCaller(error)).to.include({ code: Code.Internal, message: "internal error" });
  });

  it("does not take what is thrown for an error just because it looks like one", () => {
    for (const thrown of [undefined, null, "text", 7, { reason: "WORLD_FROZEN", message: "no" }]) {
      expect(seenByCaller(toConnectError(thrown, setup()))).to.include({
        code: Code.Internal,
        reason: "INTERNAL",
      });
    }
  });

  it("calls a request that its sender cut off cancelled, however it reaches us, and logs nothing", () => {
    const { log, logged } = setup();
    const cut = Object.assign(new Error("Premature close"), { code: "ERR_STREAM_PREMATURE_CLOSE" });
    const wrapped = new ConnectError("Premature close", Code.Internal, undefined, undefined, cut);
    for (const error of [cut, wrapped]) {
      expect(seenByCaller(toConnectError(error, { log }))).to.include({
        code: Code.Canceled,
        reason: "CANCELED",
      });
    }
    expect(logged).to.deep.equal([]);
  });

  it("calls an aborted call cancelled and logs nothing", () => {
    const { log, logged } = setup();
    const controller = new AbortController();
    controller.abort();
    const error = toConnectError(controller.signal.reason, { log });
    expect(seenByCaller(error)).to.include({ code: Code.Canceled, reason: "CANCELED" });
    expect(logged).to.deep.equal([]);
  });

  for (const [script, description] of [
    ["ASCII", "must be finite"],
    ["Hangul", "유한한 수여야 합니다"],
  ] as const) {
    it(`keeps the trailers of ten thousand violations (${script}) below the 8 KiB that gRPC clients accept`, () => {
      const violations = Array.from({ length: 10_000 }, (_, i) => ({
        field: `positions[${i}].qty`,
        description,
      }));
      const message = violations.map((v) => `${v.field} ${v.description}`).join("; ");
      const error = toConnectError(new DomainError("INVALID_FIELD", message, { violations }), setup());
      const trailers = [...setTrailerStatus(new Headers(), error)].flat().join("");
      expect(trailers.length).to.be.within(2000, 8000);
      expect(seenByCaller(error).violations?.[0]).to.deep.equal(violations[0]);
      expect(seenByCaller(error).metadata).to.deep.equal({ violations: "10000" });
    });
  }

  it("cuts a text between characters, and mends half ones", () => {
    const long = toConnectError(new DomainError("INVALID_FIELD", "😀".repeat(1000)), setup());
    expect(long.rawMessage).to.match(/^(😀)+…$/u);
    const half = toConnectError(new DomainError("INVALID_FIELD", "id \ud83d"), setup());
    expect(half.rawMessage.isWellFormed()).to.equal(true);
  });
});

describe("completeConnectError", () => {
  const cases: [string, Code, { code: Code; reason: string }][] = [
    [
      "message size 9 is larger than configured readMaxBytes 8",
      Code.ResourceExhausted,
      { code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" },
    ],
    [
      "message is larger than configured readMaxBytes 8 after decompression",
      Code.ResourceExhausted,
      { code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" },
    ],
    ["too many", Code.ResourceExhausted, { code: Code.ResourceExhausted, reason: "LIMIT_EXCEEDED" }],
    ["parse binary: premature EOF", Code.Internal, { code: Code.InvalidArgument, reason: "INVALID_FIELD" }],
    ["cannot decode message", Code.InvalidArgument, { code: Code.InvalidArgument, reason: "INVALID_FIELD" }],
    [
      "the operation timed out",
      Code.DeadlineExceeded,
      { code: Code.DeadlineExceeded, reason: "DEADLINE_EXCEEDED" },
    ],
    ["unknown compression", Code.Unimplemented, { code: Code.Unimplemented, reason: "UNIMPLEMENTED" }],
    [
      "http/2 stream closed with error code PROTOCOL_ERROR (0x1)",
      Code.Internal,
      { code: Code.Canceled, reason: "CANCELED" },
    ],
    ["serialize binary: bad", Code.Internal, { code: Code.Internal, reason: "INTERNAL" }],
    ["whatever", Code.Unknown, { code: Code.Internal, reason: "INTERNAL" }],
  ];
  for (const [message, code, expected] of cases) {
    it(`gives "${message}" the reason ${expected.reason}`, () => {
      expect(seenByCaller(completeConnectError(new ConnectError(message, code), setup()))).to.include(
        expected,
      );
    });
  }

  it("leaves an error alone that has its details", () => {
    const error = toConnectError(new DomainError("WORLD_FROZEN", "frozen"), setup());
    completeConnectError(error, setup());
    expect(error.findDetails(ErrorInfoSchema)).to.have.length(1);
  });

  it("names only reasons that the proto knows", () => {
    const known = new Set(ErrorReasonSchema.values.map((value) => value.name.replace("ERROR_REASON_", "")));
    const used = [
      ...REASONS,
      ...cases.map(([, , { reason }]) => reason),
      "PERMISSION_DENIED",
      "UNAUTHENTICATED",
    ];
    expect(used.filter((reason) => !known.has(reason))).to.deep.equal([]);
  });
});
