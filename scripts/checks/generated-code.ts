/** gen/ must be what `buf generate` makes of the protos now. Generates into a temporary directory, never here. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Check, failed, passed, ROOT, tool } from "./check.ts";
import { readTree, unpairedPaths } from "./directory.ts";

export const generatedCode: Check = {
  title: "generated code up to date (gen/)",
  run() {
    const dir = mkdtempSync(join(tmpdir(), "ws-gen-"));
    try {
      const { passed: isGenerated, output } = tool("buf", ["generate", "--output", dir]);
      if (!isGenerated) return failed(output);
      const committed = { name: "gen", files: readTree(join(ROOT, "gen")) };
      const fresh = { name: "buf generate", files: readTree(join(dir, "gen")) };
      const stale = [...fresh.files].filter(([path, text]) => (committed.files.get(path) ?? text) !== text);
      const faults = [
        ...unpairedPaths(committed, fresh),
        ...stale.map(([path]) => `gen/${path} is out of date`),
      ];
      return faults.length === 0
        ? passed()
        : failed([...faults, "Run `npm run generate` and commit gen/."].join("\n"));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
