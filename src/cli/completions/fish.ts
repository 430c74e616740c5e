import { type CompletableCommand, completableCommands, type CompletableFlag } from "./completable.ts";

/** Writes the completion for fish. */
export function fishCompletion(commands: CompletableCommand[] = completableCommands()): string {
  const names = commands.map(({ name }) => name);
  const first = `not __fish_seen_subcommand_from ${names.join(" ")} help`;
  return [
    "# fish completion for tls-off. Made from the table of commands: do not edit.",
    "complete -c tls-off -f",
    ...commands.map(({ name, summary }) => complete([`-n ${quote(first)}`, `-a ${name}`, `-d ${quote(summary)}`])),
    complete([`-n ${quote(first)}`, "-a help", "-d 'print help'"]),
    complete([`-n ${quote(first)}`, `-a '(__fish_complete_suffix .toml)'`]),
    complete([`-n ${quote(first)}`, "-l version", "-d 'print the version'"]),
    complete([`-n ${quote(first)}`, "-l help", "-d 'print help'"]),
    complete(["-n '__fish_seen_subcommand_from help'", `-a ${quote(names.join(" "))}`]),
    ...commands.flatMap(({ name, file, words, flags }) => {
      const condition = `-n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
      return [
        ...(words.length > 0 ? [complete([condition, `-a ${quote(words.join(" "))}`])] : []),
        ...(file ? [complete([condition, `-a '(__fish_complete_suffix .toml)'`])] : []),
        ...flags.map((flag) => complete([condition, ...flagParts(flag)])),
      ];
    }),
    "",
  ].join("\n");
}

function flagParts({ flag, description, value }: CompletableFlag): string[] {
  const words = value.kind === "words" ? [`-a ${quote(value.words.join(" "))}`] : [];
  const needs = {
    none: [],
    text: ["-x"],
    file: ["-r -F"],
    directory: ["-x", `-a '(__fish_complete_directories)'`],
    words: ["-x"],
  };
  return [`-l ${flag.slice(2)}`, ...needs[value.kind], ...words, `-d ${quote(description)}`];
}

function complete(parts: string[]): string {
  return `complete -c tls-off ${parts.join(" ")}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
