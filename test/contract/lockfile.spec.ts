import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

const ROOT = join(import.meta.dirname, "../..");

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function read(file: string) {
  return JSON.parse(readFileSync(join(ROOT, file), "utf8"));
}

describe("the lockfile", () => {
  const manifest = read("package.json");
  const locked = Object.entries<Locked>(read("package-lock.json").packages);
  const versions = new Map(
    locked.map(([path, { version }]) => [path.replace(/^node_modules\//, ""), version]),
  );
  const installed = locked.filter(([path]) => path !== "");

  it("holds every package's digest, so that nothing else can be installed in its name", () => {
    const without = installed.filter(([, { integrity }]) => integrity?.startsWith("sha512-") !== true);
    expect(without).to.deep.equal([]);
  });

  it("has what is exactly the version that package.json names", () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const named = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(named.map(([name]) => [name, versions.get(name)])).to.deep.equal(named);
  });

  it("is complete for Linux on x64 and arm64", () => {
    let counted = 0;
    for (const [path, { optionalDependencies = {} }] of locked) {
      const linux = Object.entries(optionalDependencies).filter(([name]) => name.includes("linux"));
      for (const cpu of linux.length === 0 ? [] : [/x64/, /arm64|aarch64/]) {
        const mine = linux.filter(([name]) => cpu.test(name));
        expect(mine, `${path} for ${cpu}`).not.to.deep.equal([]);
        expect(mine.map(([name]) => [name, versions.get(name)])).to.deep.equal(mine);
        counted += mine.length;
      }
    }
    expect(counted).to.be.at.least(10);
  });

  it("has no package whose script would run when it is installed", () => {
    const scripted = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ""));
    const { allowScripts } = manifest;
    expect(scripted.map((name) => [name, allowScripts[name]])).to.deep.equal(
      scripted.map((name) => [name, false]),
    );
  });
});
