/**
 * buf breaking against the protos that callers already have.
 *
 * Which commit that is: the newest one whose protos differ from the working tree. With an edit under way it is HEAD;
 * with the edit committed (as in CI, where HEAD is under test) it is the state before that edit. Comparing a clean tree
 * with HEAD would compare it with itself and never find anything. What others already hold is compared as well: the
 * upstream main branch, and the latest release tag, so that a break does not slip through as the second-last commit.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Check, failed, type Outcome, passed, ROOT, tool } from "./check.ts";

const PROTO_DIR = "proto";
/** How far back to look for a commit with other protos; each costs one `git diff`. */
const MAX_COMMITS = 200;

export const breakingProtos: Check = {
  title: "buf breaking (protos against the last commits that had others)",
  run() {
    const commits = baselines(ROOT);
    if (commits.length === 0) return passed("No earlier commit has other protos: nothing to compare with.");
    return merge(commits.map(compareWith));
  },
};

/** Commits to compare with, one per state of the protos: newest other state, upstream main, latest release. */
export function baselines(root: string): readonly string[] {
  const git = (...args: readonly string[]) => tool("git", args, { cwd: root });
  const lines = (...args: readonly string[]) => {
    const { passed, stdout } = git(...args);
    return passed ? String(stdout).split("\n").filter(Boolean) : [];
  };
  const differs = (commit: string) => !git("diff", "--quiet", commit, "--", PROTO_DIR).passed;
  const hasProtos = (commit: string) =>
    lines("ls-tree", "-r", "--name-only", commit, "--", PROTO_DIR).some((path) => path.endsWith(".proto"));

  const history = lines("log", `--max-count=${MAX_COMMITS}`, "--format=%H", "HEAD", "--", PROTO_DIR);
  const upstream = lines("rev-parse", "--verify", "--quiet", "origin/main^{commit}");
  const tag = lines("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*").flatMap((name) =>
    lines("rev-parse", "--verify", "--quiet", `${name}^{commit}`),
  );
  const newest = history.filter(hasProtos).find(differs);
  const others = [...upstream, ...tag].filter((commit) => hasProtos(commit) && differs(commit));
  const byState = new Map<string, string>();
  for (const commit of [...(newest ? [newest] : []), ...others]) {
    const [state = commit] = lines("rev-parse", `${commit}:${PROTO_DIR}`);
    if (!byState.has(state)) byState.set(state, commit);
  }
  return [...byState.values()];
}

function compareWith(commit: string): Outcome {
  const name = String(tool("git", ["log", "-1", "--format=%h %s", commit]).stdout).trim();
  const dir = mkdtempSync(join(tmpdir(), "ws-breaking-"));
  try {
    const archive = tool("git", ["archive", commit, PROTO_DIR]);
    const unpacked = tool("tar", ["-x", "-C", dir], { input: archive.stdout });
    if (!archive.passed || !unpacked.passed) return failed(`${archive.output}\n${unpacked.output}`);
    // Today's rules, and the imports that are not committed: without them the old protos do not compile.
    for (const path of ["buf.yaml", ".thirdparty"]) {
      if (existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(dir, path), { recursive: true });
    }
    const { passed: isCompatible, output } = tool("buf", ["breaking", "--against", dir]);
    return isCompatible ? passed(`Compatible with ${name}.`) : failed(`Against ${name}:\n${output}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function merge(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.every((outcome) => outcome.passed),
    output: outcomes.map((outcome) => outcome.output).join("\n"),
  };
}
