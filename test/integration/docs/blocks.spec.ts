import { expect } from "chai";
import { blocksOf, serverFlags, whyNotRun } from "./blocks.ts";
import { openWorkshop, type Workshop } from "./workshop.ts";

describe("the code blocks of a page", () => {
  it("have a language, a mark, their code and their line", () => {
    const text =
      "# A\n\n```sh no-run: needs Docker\ndocker ps\n```\n\n- x\n\n  ```json worldservice.v1.Event\n  {}\n  ```\n";
    expect(blocksOf(text)).to.deep.equal([
      { language: "sh", mark: "no-run: needs Docker", code: "docker ps\n", line: 3 },
      { language: "json", mark: "worldservice.v1.Event", code: "{}\n", line: 9 },
    ]);
    expect(blocksOf(text).map(whyNotRun)).to.deep.equal(["needs Docker", undefined]);
  });

  it("start servers with the flags that stand there, and nothing else", () => {
    const [block] = blocksOf("```sh server\nnpm start -- --compat-rebalance-v2 true --store=memory:\n```\n");
    if (block === undefined) throw new Error("no block");
    expect(serverFlags(block)).to.deep.equal({ compat_rebalance_v2: "true", store: "memory:" });
    expect(() => serverFlags({ ...block, code: "npm start && rm -r data\n" })).to.throw(
      "A server block is one",
    );
  });
});

describe("the folder in which pages are tried", () => {
  let workshop: Workshop;
  before(() => {
    workshop = openWorkshop("");
  });
  after(() => workshop.close());

  it("tells how a block ended, at its first command that fails", async () => {
    const { exitCode, stdout } = await workshop.run("echo one\nfalse\necho two\n");
    expect({ exitCode, stdout }).to.deep.equal({ exitCode: 1, stdout: "one\n" });
    expect((await workshop.run("npx worldctl no-such-verb")).exitCode).to.equal(2);
    expect((await workshop.run("npx no-such-tool")).exitCode).to.equal(127);
  });

  it("ends what follows for ever after its first words", async () => {
    const { stdout } = await workshop.runUntilOutput("echo here\nsleep 1000\necho never\n");
    expect(stdout).to.equal("here\n");
  });

  it("puts the addresses of here in place of those of the page", async () => {
    workshop.addresses.set("127.0.0.1:50051", "127.0.0.1:7");
    const { stdout } = await workshop.run('echo http://127.0.0.1:50051/ "$WORLDCTL_SERVER"');
    expect(stdout).to.equal("http://127.0.0.1:7/ 127.0.0.1:7\n");
  });
});
