import { type CompletableCommand, completableCommands, type CompletableFlag } from "./completable.ts";

/** Writes the completion for bash 4 and later; needs nothing of the package bash-completion. */
export function bashCompletion(commands: CompletableCommand[] = completableCommands()): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion for tls-off. Made from the table of commands: do not edit.

_tls_off_reply() {
  mapfile -t COMPREPLY < <(compgen "$@")
}

_tls_off_toml() {
  compopt -o filenames
  mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.toml' -- "$1"; compgen -d -- "$1")
}

_tls_off() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _tls_off_reply -W '${names.join(" ")} help --help --version' -- "$current"
    _tls_off_toml "$current"
    return
  fi
  case "$command $previous" in
${[...commands].reverse().flatMap(({ name, flags }) => flags.flatMap((flag) => valueCase(name, flag))).join("\n")}
  esac
  case "$command" in
${commands.map(commandCase).join("\n")}
    help) _tls_off_reply -W '${names.join(" ")}' -- "$current" ;;
    *) [[ $current == -* ]] && _tls_off_reply -W '${flagsOf(commands[0])}' -- "$current" ;;
  esac
}

complete -F _tls_off tls-off
`;
}

function valueCase(command: string, { flag, value }: CompletableFlag): string[] {
  // A file that is run by its name alone takes the flags of run, which therefore come last.
  const pattern = command === "run" ? `*" ${flag}"` : `"${command} ${flag}"`;
  const line = (action: string) => [`    ${pattern}) ${action} ;;`];
  switch (value.kind) {
    case "none":
      return [];
    case "text":
      return line("return");
    case "file":
      return line(`compopt -o filenames; _tls_off_reply -f -- "$current"; return`);
    case "directory":
      return line(`compopt -o filenames; _tls_off_reply -d -- "$current"; return`);
    case "words":
      return line(`_tls_off_reply -W '${value.words.join(" ")}' -- "$current"; return`);
  }
}

function commandCase(command: CompletableCommand): string {
  const words = [...command.words, flagsOf(command)].join(" ");
  const flags = `_tls_off_reply -W '${words}' -- "$current"`;
  if (!command.file) return `    ${command.name}) ${flags} ;;`;
  return `    ${command.name})
      if [[ $current == -* ]]; then
        ${flags}
      else
        _tls_off_toml "$current"
      fi
      ;;`;
}

function flagsOf({ flags }: CompletableCommand): string {
  return flags.map(({ flag }) => flag).join(" ");
}
