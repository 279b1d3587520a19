import { expect } from "chai";
import { problems, read, refusal } from "./support.ts";

const DIGEST = "0123456789abcdef".repeat(4);
const token = (fields: object = {}) => ({
  name: "desk",
  token_sha256: DIGEST,
  roles: [{ role: "reader", worlds: ["*"] }],
  ...fields,
});
const given = (tokens: unknown) => ({ env: { WORLDSERVICE_SERVER_AUTH_TOKENS: JSON.stringify(tokens) } });

describe("auth_tokens", () => {
  it("come as JSON in the environment and in flags", () => {
    const expected = [{ name: "desk", tokenSha256: DIGEST, roles: [{ role: "reader", worlds: ["*"] }] }];
    expect(read(given([token()])).authTokens).to.deep.equal(expected);
    expect(read({ argv: ["--auth-tokens", JSON.stringify([token()])] }).authTokens).to.deep.equal(expected);
    expect(read({ argv: ["--auth-tokens", "none"] }).authTokens).to.deep.equal([]);
  });

  const faults: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["text in place of a list", "desk", ["auth_tokens"]],
    ["a record in place of a list", token(), ["auth_tokens"]],
    ["a short digest", [token({ token_sha256: "abc" })], ["auth_tokens[0].token_sha256"]],
    [
      "a token in place of its digest",
      [token({ token_sha256: undefined, token: "x" })],
      ["auth_tokens[0].token", "auth_tokens[0].token_sha256"],
    ],
    ["no name", [token({ name: "" })], ["auth_tokens[0].name"]],
    ["a name with a control character", [token({ name: "a\nb" })], ["auth_tokens[0].name"]],
    ["a name that is not in NFC", [token({ name: "e\u0301" })], ["auth_tokens[0].name"]],
    ["a name of 129 characters", [token({ name: "😀".repeat(129) })], ["auth_tokens[0].name"]],
    ["no roles", [token({ roles: [] })], ["auth_tokens[0].roles"]],
    [
      "an unknown role",
      [token({ roles: [{ role: "admin", worlds: ["*"] }] })],
      ["auth_tokens[0].roles[0].role"],
    ],
    ["a role without worlds", [token({ roles: [{ role: "owner" }] })], ["auth_tokens[0].roles[0].worlds"]],
    [
      "a world that is no text",
      [token({ roles: [{ role: "owner", worlds: ["*", 7] }] })],
      ["auth_tokens[0].roles[0].worlds[1]"],
    ],
    ["one name twice", [token(), token({ token_sha256: "f".repeat(64) })], ["auth_tokens[1].name"]],
    [
      "one digest twice, in any case",
      [token(), token({ name: "b", token_sha256: DIGEST.toUpperCase() })],
      ["auth_tokens[1].token_sha256"],
    ],
    [
      "an entry that is no record",
      [token(), null],
      ["auth_tokens[1]", "auth_tokens[1].name", "auth_tokens[1].token_sha256", "auth_tokens[1].roles"],
    ],
  ];
  for (const [what, tokens, names] of faults) {
    it(`refuse ${what}`, () => {
      expect(problems(given(tokens)).map(({ name }) => name)).to.have.members(names);
    });
  }

  it("accept names of 128 characters, counted as people count", () => {
    expect(read(given([token({ name: "😀".repeat(128) })])).authTokens).to.have.length(1);
  });

  it("never appear in an error, whatever is wrong with them", () => {
    for (const text of [
      '[{"name": "hunter2"',
      '["hunter2"]',
      '[{"token_sha256": "hunter2", "roles": "hunter2"}]',
      '"hunter2"',
      "hunter2",
    ]) {
      expect(refusal({ env: { WORLDSERVICE_SERVER_AUTH_TOKENS: text } }).message).not.to.include("hunter2");
      expect(JSON.stringify(problems({ argv: [`--auth-tokens=${text}`] }))).not.to.include("hunter2");
    }
  });
});
