/**
 * The table of methods in README.md, written from what the server really registers: `npm run docs:tables` writes it,
 * `npm run check` fails when it is out of date.
 */

import { pino } from "pino";
import { openSqliteStore } from "../src/adapters/sqlite/index.ts";
import { createParts, servedServices } from "../src/compose.ts";
import { type MethodStatus, methodStatus } from "../src/rpc/routes.ts";
import { readSettings } from "../src/settings/read-settings.ts";
import { checkOrWrite, markdownTable } from "./generated-block.ts";

/** Which methods are served depends on no setting, so an empty store in memory tells as much as any. */
async function statusOfMethods(): Promise<MethodStatus[]> {
  const settings = readSettings({ argv: ["--store=memory:"], env: {} });
  const { book, lockTtlMs } = settings;
  const opened = await openSqliteStore({ path: ":memory:", book, lockTtlMs });
  try {
    const parts = createParts(settings, opened, pino({ level: "silent" }));
    const services = servedServices(settings, parts);
    return methodStatus(services);
  } finally {
    await opened.close();
  }
}

function statusTable(methods: readonly MethodStatus[]): string {
  const services = [...new Set(methods.map(({ service }) => service))];
  const rows = services.map((service) => {
    const own = methods.filter((each) => each.service === service);
    const names = (isServed: boolean) =>
      own.filter((each) => each.isServed === isServed).map(({ method }) => `\`${method}\``);
    return [`\`${service}\``, names(true).join(", "), names(false).join(", ")];
  });
  const served = methods.filter(({ isServed }) => isServed).length;
  const head = ["service", "served", "answers UNIMPLEMENTED"];
  return `${served} of ${methods.length} methods are served.\n\n${markdownTable(head, rows)}`;
}

checkOrWrite("docs:tables", [
  { page: "README.md", name: "methods", text: statusTable(await statusOfMethods()) },
]);
