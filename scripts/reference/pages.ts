/** The generated blocks of reference/rpc.md, messages.md and events.md. */
import type { DescEnum, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { markdownTable } from "../generated-block.ts";
import { comment, sentence } from "./contract.ts";
import type { Layout } from "./layout.ts";
import { fieldTable, type Places, prose, valueTable, type Words } from "./markdown.ts";

const REASON = /ERROR_REASON_(\w+)/g;

export function servicesText({ services, places }: Layout, words: Words): string {
  return services.map((service) => serviceText(service, places, words)).join("\n\n");
}

function serviceText(service: DescService, places: Places, words: Words): string {
  const methods = service.methods.map((method) => methodText(method, places, words));
  return [`## ${service.typeName}`, prose(sentence(service)), ...methods].join("\n\n");
}

function methodText(method: DescMethod, places: Places, words: Words): string {
  const { text, errors } = splitErrors(comment(method));
  const stream = method.methodKind === "server_streaming" ? "stream " : "";
  return [
    `### ${method.name}`,
    prose(text.replaceAll(REASON, "`$1`")),
    ...(errors.length === 0 ? [] : [errorTable(errors, words)]),
    `${words.request}: \`${method.input.name}\``,
    fieldTable(method.input, places, words),
    `${words.response}: ${stream}\`${method.output.name}\``,
    fieldTable(method.output, places, words),
  ].join("\n\n");
}

interface MethodError {
  readonly code: string;
  readonly text: string;
}

/** A method's comment ends with `Errors:` and one entry per line: code, reasons, and after a semicolon what to do. */
export function splitErrors(text: string): {
  readonly text: string;
  readonly errors: readonly MethodError[];
} {
  const [before = "", after = ""] = text.split(/^Errors:\n/m);
  const errors: MethodError[] = [];
  for (const line of after.split("\n").filter((each) => each.trim() !== "")) {
    const [, code, rest] = /^\s*([A-Z]+(?:_[A-Z]+)*)\s{2,}(.*)$/.exec(line) ?? [];
    const last = errors.at(-1);
    if (code !== undefined && rest !== undefined) errors.push({ code, text: rest });
    else if (last !== undefined) errors[errors.length - 1] = { ...last, text: `${last.text} ${line.trim()}` };
  }
  return { text: before.trim(), errors };
}

function errorTable(errors: readonly MethodError[], words: Words): string {
  const rows = errors.map(({ code, text }) => {
    const [reasons = "", ...advice] = text.split("; ");
    const isAdvice = !reasons.includes("ERROR_REASON_");
    const whatToDo = isAdvice ? text : advice.join("; ");
    return [
      code,
      isAdvice ? "" : reasons.replaceAll(REASON, "`$1`"),
      prose(whatToDo.replaceAll(REASON, "`$1`")),
    ];
  });
  return markdownTable([words.code, words.reasons, words.whatToDo], rows);
}

/** Messages and enums, each under a heading of its full name. */
export function typesText(types: readonly (DescMessage | DescEnum)[], places: Places, words: Words): string {
  return types
    .map((type) => {
      const table = type.kind === "enum" ? valueTable(type, words) : fieldTable(type, places, words);
      return [`### ${type.typeName}`, prose(sentence(type)), table].join("\n\n");
    })
    .join("\n\n");
}
