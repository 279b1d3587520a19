/** The package as others get it: packed, and installed into an empty folder from nothing but the tarball. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import packageJson from "../../package.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "../..");
/** Longest any single command may take, in milliseconds. */
const COMMAND_MS = 100_000;

const execute = promisify(execFile);

export interface Outsider {
  readonly folder: string;
  /** Runs a command of the folder's `node_modules/.bin`, or of the system. */
  run(command: string, ...args: readonly string[]): Promise<string>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Settings of a shell or of the npm that runs the tests must not reach the npm and the programs of the outsider. */
function bareEnvironment(folder: string): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(npm_|WORLD)/i.test(name));
  const path = [join(folder, "node_modules/.bin"), dirname(process.execPath), process.env.PATH ?? ""];
  return { ...Object.fromEntries(entries), PATH: path.join(delimiter) };
}

/**
 * Packs the repository and installs the tarball in `folder`. The lockfile there names the versions that are installed
 * here, so that npm finds all of them in its cache and asks no registry what exists.
 */
export async function installPacked(folder: string): Promise<Outsider> {
  const run = async (cwd: string, command: string, args: readonly string[]) => {
    const options = { cwd, env: bareEnvironment(folder), timeout: COMMAND_MS, maxBuffer: 16 * 1024 * 1024 };
    return (await execute(command, [...args], options)).stdout;
  };
  await run(ROOT, "npm", ["pack", "--silent", "--pack-destination", folder]);
  const { name, version, dependencies, optionalDependencies, bin } = packageJson;
  const tarball = `file:${name}-${version}.tgz`;
  const lock: Lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const needed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && dev !== true);
  const root = { name: "outsider", private: true, type: "module", dependencies: { [name]: tarball } };
  const packages = {
    "": root,
    ...Object.fromEntries(needed),
    [`node_modules/${name}`]: { version, resolved: tarball, dependencies, optionalDependencies, bin },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(root));
  writeFileSync(
    join(folder, "package-lock.json"),
    JSON.stringify({ name: root.name, lockfileVersion: 3, requires: true, packages }),
  );
  const quietly = ["--prefer-offline", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  await run(folder, "npm", ["ci", ...quietly]);
  return { folder, run: (command, ...args) => run(folder, command, args) };
}
