/** Which test process runs which file. */

/** Suites that start, kill and flood servers: they take far longer than their neighbours. */
const LONG = /^test\/(fault|sdk)\//;

/**
 * Deals the files out to `count` processes, the long ones first, so that no process gets all of them. The order within a
 * shard is that of the paths, as mocha has it.
 */
export function shardsOf(files: readonly string[], count: number): readonly (readonly string[])[] {
  const long = files.filter((file) => LONG.test(file));
  const short = files.filter((file) => !LONG.test(file));
  const shards = Array.from({ length: Math.max(1, Math.min(count, files.length)) }, (): string[] => []);
  for (const [at, file] of [...long, ...short].entries()) shards[at % shards.length]?.push(file);
  return shards.map((shard) => shard.toSorted());
}
