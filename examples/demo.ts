/**
 * `npm run demo`: the main job from end to end, against a server process of its own. Exit code 0 only when all of it
 * happened and every fact held; a message on standard error otherwise. Leaves no process and no file behind.
 */
import { requireSupportedNode } from "../src/settings/node-version.ts";

requireSupportedNode();

const { runDemo } = await import("./demo/run.ts");
await runDemo();
