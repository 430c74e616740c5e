import { type CompletableCommand, completableCommands, type CompletableFlag } from "./completable.ts";

/** Writes the completion for zsh: a file `_tls-off` in a directory of `$fpath`. */
export function zshCompletion(commands: CompletableCommand[] = completableCommands()): string {
  return `#compdef tls-off
# zsh completion for tls-off. Made from the table of commands: do not edit.

_tls_off_commands() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join("\n")}
    'help:print help'
  )
  _describe command commands
}

_tls_off() {
  if ((CURRENT == 2)); then
    _alternative 'commands:command:_tls_off_commands' 'files:configuration:_files -g "*.toml"' \\
      'flags:flag:(--help --version)'
    return
  fi
  local command=$words[2]
  [[ $command == *.toml ]] && command=run
  shift words
  ((CURRENT--))
  case $command in
${commands.map(commandCase).join("\n")}
    help) _tls_off_commands ;;
  esac
}

_tls_off "$@"
`;
}

function commandCase({ name, file, words, flags }: CompletableCommand): string {
  const argument = words.length > 0 ? [quote(`1:word:(${words.join(" ")})`)] : [];
  const specs = [...flags.map(flagSpec), ...argument, ...(file ? [`'1:configuration:_files -g "*.toml"'`] : [])];
  return `    ${name})\n      _arguments \\\n${specs.map((spec) => `        ${spec}`).join(" \\\n")}\n      ;;`;
}

function flagSpec({ flag, description, repeatable, value }: CompletableFlag): string {
  const said = description.replace(/[[\]:]/g, "\\$&");
  return quote(`${repeatable ? "*" : ""}${flag}[${said}]${VALUES[value.kind]}`)
    .replace("WORDS", () => value.kind === "words" ? value.words.join(" ") : "");
}

const VALUES = {
  none: "",
  text: ":value:",
  file: ":file:_files",
  directory: ":directory:_files -/",
  words: ":value:(WORDS)",
};

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
