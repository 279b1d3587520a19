import { expect } from "chai";
import { runConfig } from "../../../src/cli/config-command.ts";
import { DEFINITIONS } from "../../../src/settings/definitions.ts";
import { effectiveSettings, settingsHelp, settingsReference } from "../../../src/settings/describe.ts";
import { read } from "./support.ts";

const DIGEST = "5e".repeat(32);
const SECRETS = [
  "--store=rediss://desk:hunter2@cache:1/0",
  `--auth-tokens=[{"name":"desk","token_sha256":"${DIGEST}","roles":[{"role":"owner","worlds":["*"]}]}]`,
];

describe("the settings shown to people", () => {
  it("come back as the same settings when they are read again", () => {
    const argv = [
      "--lock-ttl=1500ms",
      "--max-message-bytes=3MiB",
      "--executor=grpc:[::1]:7",
      "--tls-cert=a",
      "--tls-key=b",
    ];
    const settings = read({ argv });
    const again = effectiveSettings(settings).map(
      ({ key, value }) => `--${key.replaceAll("_", "-")}=${value}`,
    );
    const { origins: _, ...values } = settings;
    expect(read({ argv: again })).to.deep.include(values);
  });

  it("hide passwords and digests of tokens", () => {
    const shown = JSON.stringify(effectiveSettings(read({ argv: SECRETS })));
    expect(shown).not.to.match(new RegExp(`hunter2|${DIGEST}`));
    expect(shown).to.include("rediss://***@cache:1/0").and.include('"name":"desk"');
  });

  it("describe every setting once, with what is allowed and where it can be set", () => {
    const rows = settingsReference();
    expect(rows).to.have.length(Object.keys(DEFINITIONS).length);
    expect(new Set(rows.map(({ key }) => key)).size).to.equal(rows.length);
    expect(rows.find(({ key }) => key === "lock_ttl")).to.deep.equal({
      key: "lock_ttl",
      type: "span",
      default: "5s",
      allowed: "100ms to 10m, written as 250ms, 5s, 2m or 1h",
      unit: "milliseconds",
      description: "Lease of a world's lock, renewed at a third of it.",
      secret: false,
      flag: "--lock-ttl",
      variable: "WORLDSERVICE_SERVER_LOCK_TTL",
    });
    expect(rows.filter(({ secret }) => secret).map(({ key }) => key)).to.deep.equal(["store", "auth_tokens"]);
    for (const { flag } of rows) expect(settingsHelp()).to.include(`  ${flag}\n`);
  });
});

describe("worldservice config", () => {
  const run = (argv: readonly string[], json: boolean) => {
    const out: string[] = [];
    const err: string[] = [];
    const code = runConfig(argv, {
      json,
      env: { WORLDSERVICE_SERVER_BOOK: "desk-1" },
      out: (text) => out.push(text),
      err: (text) => err.push(text),
    });
    return { code, out: out.join(""), err: err.join("") };
  };

  it("prints values and where each came from as a table", () => {
    const { code, out } = run(["--port", "6000", ...SECRETS], false);
    expect(code).to.equal(0);
    expect(out).to.match(/ port +│ 6000 +│ --port /);
    expect(out).to.match(/ book +│ desk-1 +│ WORLDSERVICE_SERVER_BOOK /);
    expect(out).to.match(/ lock_ttl +│ 5s +│ default /);
    expect(out).not.to.match(new RegExp(`hunter2|${DIGEST}`));
  });

  it("prints them as JSON", () => {
    const { code, out } = run(["--port", "6000"], true);
    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.deep.include({
      port: { value: 6000, source: "flag", at: "--port" },
      book: { value: "desk-1", source: "env", at: "WORLDSERVICE_SERVER_BOOK" },
    });
  });

  it("ends with 2 and every problem when the server would refuse to start", () => {
    const argv = ["--port=x", "--lock-ttl=5", "--store=redis://u:hunter2@"];
    const { code, out, err } = run(argv, false);
    expect([code, out]).to.deep.equal([2, ""]);
    expect(err)
      .to.include("3 problems")
      .and.include("port")
      .and.include("lock_ttl")
      .and.not.include("hunter2");
    expect(JSON.parse(run(argv, true).err).problems).to.have.length(3);
  });
});
