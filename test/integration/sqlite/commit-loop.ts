/** A process that commits until it is killed: prints each commit's id once it was acknowledged. Arguments: file, prefix. */
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { nthCommit, openAt } from "./support.ts";

const [, , path = "", prefix = ""] = argv;
const book = await openAt(path);
writeSync(1, "open\n");

async function work(worker: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const id = `${prefix}-${worker}-${n}`;
    const outcome = await book.store.commit(nthCommit(id));
    if (outcome.kind !== "committed") throw new Error(`commit ${id}: ${outcome.kind}`);
    writeSync(1, `${id}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
