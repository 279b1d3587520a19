/** Completion scripts, written from the commands themselves: words only, no process per Tab. */
import type { Command, Option } from "commander";
import { fishCompletion } from "./fish-completion.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow one command: words, and those options that take a file. */
interface Place {
  /** `worlds list`; empty = worldctl alone. */
  readonly path: string;
  readonly words: readonly string[];
}

/** Options whose value is a file: the shell's own completion serves them. */
const FILE_OPTIONS = "--positions|--evaluation|--cursor-file|--tls-ca|--tls-cert|--tls-key";

const takesFile = ({ long }: Option): boolean => FILE_OPTIONS.split("|").includes(long ?? "");

export function completionScript(shell: Shell, program: Command): string {
  if (shell === "fish") return fishCompletion(program, takesFile);
  return shell === "bash" ? bash(placesOf(program)) : zsh(placesOf(program));
}

function placesOf(
  command: Command,
  path: readonly string[] = [],
  inherited: readonly string[] = [],
): Place[] {
  const own = command.options.flatMap(({ long }) => (long === undefined ? [] : [long]));
  const options = [...inherited, ...own].filter((word) => word !== "--version");
  const names = command.commands.map((each) => each.name());
  const words = [...names, ...options, "--help"];
  const below = command.commands.flatMap((each) => placesOf(each, [...path, each.name()], options));
  return [{ path: path.join(" "), words }, ...below];
}

function cases(places: readonly Place[]): string {
  return places
    .map(({ path, words }) => `    ${JSON.stringify(path)}) words=${JSON.stringify(words.join(" "))} ;;`)
    .join("\n");
}

/** Paths of commands, apart by `|`, for a `case` that collects how far the line has come. */
function paths(places: readonly Place[]): string {
  return places
    .filter(({ path }) => path !== "")
    .map(({ path }) => JSON.stringify(path))
    .join("|");
}

function bash(places: readonly Place[]): string {
  return `# bash completion of worldctl: source <(worldctl completion bash)
_worldctl() {
  local path="" word next words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    next="\${path:+$path }$word"
    case "$next" in
    ${paths(places)}) path="$next" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
  ${FILE_OPTIONS}) COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
  esac
  case "$path" in
${cases(places)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _worldctl worldctl
`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef worldctl
# zsh completion of worldctl: source <(worldctl completion zsh)
_worldctl() {
  local path_="" word next words_ i
  local -a candidates
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    next="\${path_:+$path_ }$word"
    case "$next" in
    ${paths(places)}) path_="$next" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
  ${FILE_OPTIONS}) _files; return ;;
  esac
  case "$path_" in
${cases(places).replaceAll("words=", "words_=")}
  esac
  candidates=(\${=words_})
  if [[ "\${words[CURRENT]}" == -* ]]; then compadd -- \${candidates}
  else compadd -- \${candidates:#--*}; _files; fi
}
compdef _worldctl worldctl
`;
}
