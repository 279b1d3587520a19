import { expect } from "chai";
import { problems, read } from "./support.ts";

describe("flags", () => {
  it("come as two words or with an equals sign, and the last of several wins", () => {
    expect(read({ argv: ["--port", "1", "--admin-port=2", "--port=3"] })).to.include({
      port: 3,
      adminPort: 2,
    });
  });

  for (const [argv, expected] of [
    [["--insecure"], true],
    [["--insecure", "true"], true],
    [["--insecure", "false"], false],
    [["--insecure=false"], false],
    [["--no-insecure"], false],
    [["--insecure", "--no-insecure"], false],
  ] as const) {
    it(`read ${argv.join(" ")} as ${expected}`, () => {
      expect(read({ argv }).insecure).to.equal(expected);
    });
  }

  it("suggest the nearest name for one that is not known", () => {
    expect(problems({ argv: ["--max-mesage-bytes=1"] })[0]?.reason).to.equal(
      "is not known; did you mean --max-message-bytes?",
    );
    expect(problems({ argv: ["--confg", "x"] })[0]?.reason).to.include("--config");
    expect(problems({ argv: ["--zzzzzzzzzzzz"] })[0]?.reason).to.equal("is not known");
  });

  it("never repeat what follows an unknown flag, which may be a secret", () => {
    const found = problems({ argv: ["--auth-token", "hunter2", "--password=hunter2"] });
    expect(found.map(({ name }) => name)).to.deep.equal(["--auth-token", "--password"]);
    expect(JSON.stringify(found)).not.to.include("hunter2");
  });

  it("that need a value are refused without one", () => {
    expect(problems({ argv: ["--port"] })[0]).to.include({ name: "--port", reason: "needs a value" });
    expect(problems({ argv: ["--config"] })[0]).to.include({ name: "--config", reason: "needs a value" });
    expect(problems({ argv: ["--no-port"] })).to.have.length(1);
  });

  it("are all that is allowed on the command line", () => {
    expect(problems({ argv: ["serve", "-p", "--", "x"] }).map(({ name }) => name)).to.deep.equal([
      "serve",
      "-p",
      "x",
    ]);
  });
});
