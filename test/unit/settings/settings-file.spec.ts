import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { MAX_FILE_BYTES } from "../../../src/settings/settings-file.ts";
import { problems, read, refusal, server } from "./support.ts";

const only = (yaml: string) => {
  const found = problems({ yaml });
  expect(found).to.have.length(1);
  return found[0]?.reason;
};

describe("the settings file", () => {
  it("gives typed values, lists and records at worldservice.server", () => {
    const digest = "A".repeat(64);
    const yaml = server(
      "insecure: true",
      "shared_account_min_margin_headroom: 0.25",
      "max_message_bytes: 1048576",
      "auth_tokens:",
      "  - name: desk",
      `    token_sha256: ${digest}`,
      '    roles: [{role: owner, worlds: ["*"]}]',
    );
    expect(read({ yaml })).to.deep.include({
      insecure: true,
      sharedAccountMinMarginHeadroom: 0.25,
      maxMessageBytes: 1_048_576,
      authTokens: [
        { name: "desk", tokenSha256: digest.toLowerCase(), roles: [{ role: "owner", worlds: ["*"] }] },
      ],
    });
  });

  it("may hold sections of other services, and an empty one of ours", () => {
    expect(read({ yaml: "gateway: {port: 1}\nworldservice: {server: }" }).port).to.equal(50051);
  });

  it("must hold worldservice.server, in that spelling", () => {
    expect(only("worldservise: {server: {port: 1}}")).to.equal("holds no worldservice.server");
    expect(only("worldservice: {port: 1}")).to.equal("holds no worldservice.server");
    expect(only("")).to.equal("holds no worldservice.server");
    expect(only("worldservice: {server: [1]}")).to.equal("is not a record of settings");
    expect(problems({ yaml: "worldservice: {server: {}, sever: {}}" })[0]?.name).to.equal(
      "worldservice.sever",
    );
  });

  it("suggests the nearest key for one that is not known, also for names that objects have by nature", () => {
    expect(only(server("lock_tll: 5s"))).to.include("did you mean worldservice.server.lock_ttl?");
    expect(only(server("__proto__: {port: 1}"))).to.equal("is not known");
    expect(only(server("constructor: 1"))).to.equal("is not known");
  });

  it("refuses keys that stand twice and text that is no YAML, with the line and without the text", () => {
    expect(only(server("port: 1", "port: 2"))).to.include("line 4");
    const error = refusal({ yaml: server('store: "redis://u:hunter2@h', "port: [") });
    expect(error.message).to.include("is not valid YAML").and.not.include("hunter2");
  });

  it("refuses aliases, of which a few lines grow to gigabytes", () => {
    const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"]) {
      lines.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(", ")}]`);
    }
    expect(only(lines.join("\n"))).to.equal("cannot be read: YAML aliases are not allowed");
  });

  it("refuses text that is too large or nested too deeply", () => {
    expect(only(`# ${"x".repeat(MAX_FILE_BYTES)}`)).to.include("larger than");
    expect(only(`a: ${"[".repeat(50_000)}`)).to.include("is not valid YAML");
  });

  it("is read from disk, and a file that cannot be read is a problem like any other", () => {
    const dir = mkdtempSync(join(tmpdir(), "ws-settings-"));
    try {
      const path = join(dir, "settings.yaml");
      writeFileSync(path, server("port: 6001"));
      expect(readSettings({ argv: ["--config", path], env: {} }).port).to.equal(6001);
      writeFileSync(path, Buffer.from([0x61, 0x3a, 0xff, 0xfe]));
      expect(() => readSettings({ argv: ["--config", path], env: {} })).to.throw(/not a UTF-8 text/);
      expect(() => readSettings({ argv: ["--config", join(dir, "none")], env: {} })).to.throw(/ENOENT/);
      expect(() => readSettings({ argv: ["--config", dir], env: {} })).to.throw(/EISDIR/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("does not follow an endless file to its end", () => {
    expect(() => readSettings({ argv: ["--config", "/dev/zero"], env: {} })).to.throw(
      /larger than|not valid YAML/,
    );
  });
});
