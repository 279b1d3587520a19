/** The completion script for fish, which shows what each word is about. */
import type { Command, Option } from "commander";

export function fishCompletion(program: Command, takesFile: (option: Option) => boolean): string {
  const lines = linesOf(program, [], takesFile);
  return `# fish completion of worldctl: worldctl completion fish | source
function __worldctl_at
  set -l at
  for word in (commandline -opc)[2..]
    set -l next (string join -- ' ' $at $word)
    contains -- "$next" ${pathsOf(program, []).map(quoted).join(" ")}; and set at $at $word
  end
  test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function pathsOf(command: Command, path: readonly string[]): readonly string[] {
  return command.commands.flatMap((each) => {
    const own = [...path, each.name()];
    return [own.join(" "), ...pathsOf(each, own)];
  });
}

/** One line per verb and option; the options of worldctl itself hold everywhere. */
function linesOf(
  command: Command,
  path: readonly string[],
  takesFile: (option: Option) => boolean,
): string[] {
  const here = ` -n "__worldctl_at '${path.join(" ")}'"`;
  const where = path.length === 0 ? "" : here;
  const verbs = command.commands.map(
    (each) =>
      `complete -c worldctl -f${here} -a ${each.name()} -d ${quoted(each.summary() || each.description())}`,
  );
  const options = command.options.map((option) => {
    const values = option.argChoices === undefined ? "" : ` -a ${quoted(option.argChoices.join(" "))}`;
    const value = valueFlags(option, takesFile);
    return `complete -c worldctl${where} -l ${longName(option)}${value}${values} -d ${quoted(option.description)}`;
  });
  const below = command.commands.flatMap((each) => linesOf(each, [...path, each.name()], takesFile));
  return [...verbs, ...options, ...below];
}

function valueFlags(option: Option, takesFile: (option: Option) => boolean): string {
  if (!option.required) return "";
  return takesFile(option) ? " -r -F" : " -x";
}

function longName(option: Option): string {
  return (option.long ?? "").replace(/^--/, "");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
