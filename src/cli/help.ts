import { describeFloors } from "../runtimes/floors.ts";
import { type CommandName, COMMANDS, type CommandSpec, type FlagSpec } from "./args_commands.ts";

const WIDTH = 100;

/**
 * Writes the help of the program, or of one command.
 *
 * @param topic the command; `null` for the program
 * @returns lines, with a newline at the end
 */
export function helpText(topic: CommandName | null): string {
  const command = COMMANDS.find(({ name }) => name === topic);
  return (command ? commandHelp(command) : programHelp()).join("\n") + "\n";
}

/** Writes one line that shows how a command is called. */
export function usageLine({ name, file, argument, usage, flags }: CommandSpec): string {
  const parts = flags.map((flag) => {
    const text = flagText(flag);
    return flag.required ? text : `[${text}]${flag.repeatable ? "..." : ""}`;
  });
  const fileText = file === null ? [] : [file === "required" ? "CONFIG.toml" : "[CONFIG.toml]"];
  const words = usage !== undefined ? [usage] : argument === undefined ? [] : [argument.words.join("|")];
  return ["tls-off", name, ...fileText, ...words, ...parts].join(" ");
}

function programHelp(): string[] {
  const rows = COMMANDS.map((command): [string, string] => [command.name, command.summary]);
  return [
    "tls-off accepts TLS and forwards the decrypted bytes to an application.",
    "",
    "Usage:",
    "  tls-off COMMAND [arguments]",
    "  tls-off CONFIG.toml",
    "",
    "Commands:",
    ...columns(rows),
    "",
    "tls-off COMMAND --help tells more. Try it: tls-off demo",
    "",
    `Runs on ${describeFloors()}, or newer.`,
    "",
    "Exit codes: 0 fine, 1 configuration or start-up error, 2 wrong usage, 3 drain timed out",
  ];
}

function commandHelp(command: CommandSpec): string[] {
  const { summary, details, examples = [], flags } = command;
  const help: [string, string] = ["--help", "print this"];
  return [
    ...wrap(`tls-off ${command.name}: ${summary}`, 0),
    "",
    "Usage:",
    ...wrap(usageLine(command), 2, 4 + "tls-off ".length + command.name.length),
    "",
    "Flags:",
    ...columns([...flags.map((flag): [string, string] => [flagText(flag), describeFlag(flag)]), help]),
    ...(examples.length === 0 ? [] : ["", "Examples:", ...examples.map((example) => `  ${example}`)]),
    ...details.flatMap((paragraph) => ["", ...wrap(paragraph, 0)]),
  ];
}

/** Writes a flag as it is typed. */
export function flagText({ name, value }: FlagSpec): string {
  return value === "" ? `--${name}` : `--${name} ${value}`;
}

/** Says what a flag is for, and how often it may be given. */
export function describeFlag({ description, repeatable, required }: FlagSpec): string {
  return description + (required ? "; required" : "") + (repeatable ? "; may be given several times" : "");
}

function columns(rows: [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 4;
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, width);
    return [`  ${left}`.padEnd(width) + lines[0].slice(width), ...lines.slice(1)];
  });
}

/** Breaks a text into lines at spaces. What is in brackets stays on one line. */
export function wrap(text: string, indent: number, nextIndent = indent, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = " ".repeat(indent);
  for (const word of text.match(/\[[^\]]*\]\S*|\S+/g) ?? []) {
    const isFirst = line.trim() === "";
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line);
      line = " ".repeat(nextIndent) + word;
    } else {
      line += (isFirst ? "" : " ") + word;
    }
  }
  return [...lines, line];
}
