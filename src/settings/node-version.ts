/** The oldest Node.js that carries the HTTP/2 security fixes and the SQLite module this service stands on. */
export const MINIMUM_NODE = "24.18.1";

/** Why this Node.js cannot run the service, or `undefined` when it can. `version` as in `process.versions.node`. */
export function nodeVersionProblem(version: string): string | undefined {
  if (isAtLeast(numbers(version), numbers(MINIMUM_NODE))) return undefined;
  return (
    `worldservice needs Node.js ${MINIMUM_NODE} or newer; this is ${version}. ` +
    "Install a newer Node.js, or start it through npm (npm start), which brings its own."
  );
}

/** Ends the process with exit code 2 and one clear line on a Node.js that is too old. Call it before anything else. */
export function requireSupportedNode(version: string = process.versions.node): void {
  const problem = nodeVersionProblem(version);
  if (problem === undefined) return;
  console.error(problem);
  process.exit(2);
}

function numbers(version: string): readonly number[] {
  // A pre-release (24.18.1-rc.1) counts as its release: it already carries the fixes in question.
  return version.split("-", 1).join().split(".").map(Number);
}

function isAtLeast(version: readonly number[], minimum: readonly number[]): boolean {
  for (const [index, wanted] of minimum.entries()) {
    const found = version[index] ?? Number.NaN;
    if (found !== wanted) return found > wanted; // NaN (no version at all) is never enough
  }
  return true;
}
