import { parseArgs } from "@std/cli/parse-args";
import { parseAddress } from "../net/address.ts";
import type { Address } from "../net/address.ts";
import { CONFIG_FLAGS, type ConfigFlags, flagProblem } from "../config/flags.ts";
import { quoteValue } from "../net/quote_value.ts";
import { didYouMean } from "../config/suggest.ts";
import { ValueError } from "../net/value_error.ts";
import {
  ALLOW_KEY_LOG,
  type CommandName,
  COMMANDS,
  type CommandSpec,
  DEFAULT_ADMIN,
  DEFAULT_DEMO_PORT,
  type FlagSpec,
  ONLINE,
} from "./args_commands.ts";

/** What the command line asks for. */
export type Invocation =
  | { command: "run"; file: string | null; flags: ConfigFlags; allowKeyLog: boolean }
  | { command: "check"; file: string; online: boolean }
  | { command: "acme"; action: "list" | "renew" | "revoke"; name: string; file: string | null }
  | { command: "demo"; port: number }
  | { command: "cert"; out: string; hosts: string[]; force: boolean }
  | { command: "top"; admin: Address }
  | { command: "completions"; shell: string }
  | { command: "version" }
  | { command: "help"; topic: CommandName | null };

/** The command line cannot be understood. The message is one line for standard error, the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Parses the command line.
 *
 * @param argv without the program's name
 * @param cwd what relative Unix paths start from
 * @throws {UsageError}
 *
 * @example
 * ```ts
 * parseCommandLine(["proxy.toml"], "/"); // { command: "run", file: "proxy.toml", flags: {} }
 * ```
 */
export function parseCommandLine(argv: readonly string[], cwd: string): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined) throw new UsageError('No command: write "tls-off CONFIG.toml", or see tls-off --help');
  if (first === "--help" || first === "-h" || first === "help") return { command: "help", topic: topicOf(rest) };
  if (first === "--version" || first === "-V") return { command: "version" };
  if (first.startsWith("-")) {
    const hint = didYouMean(first, ["--help", "--version"]);
    if (hint !== "") throw new UsageError(`Unknown flag ${quoteValue(first)}${hint}`);
    throw new UsageError(`No command before ${quoteValue(first)}: write "tls-off run" and then the flags`);
  }
  const command = COMMANDS.find(({ name }) => name === first);
  if (command) return parseCommand(command, rest, cwd);
  if (first.endsWith(".toml") || first.includes("/")) return parseCommand(COMMANDS[0], [...argv], cwd);
  throw unknownCommand(first);
}

/** The command that help is asked for; `null` for the program as a whole. */
function topicOf([topic]: readonly string[]): CommandName | null {
  if (topic === undefined || topic === "help" || topic.startsWith("-")) return null;
  const command = COMMANDS.find(({ name }) => name === topic);
  if (command === undefined) throw unknownCommand(topic);
  return command.name;
}

function unknownCommand(word: string): UsageError {
  const hint = didYouMean(word, COMMANDS.map(({ name }) => name));
  return new UsageError(`Unknown command ${quoteValue(word)}${hint || ": see tls-off --help"}`);
}

function parseCommand(command: CommandSpec, args: string[], cwd: string): Invocation {
  const { positional, values, help } = parseFlags(command, args);
  if (help) return { command: "help", topic: command.name };
  if (command.name === "acme") return parseAcme(command, positional);
  const [file, surplus] = command.file !== null
    ? positional
    : [undefined, positional[command.argument === undefined ? 0 : 1]];
  if (surplus !== undefined) throw new UsageError(`Unexpected argument ${quoteValue(surplus)} of ${command.name}`);
  const word = command.argument === undefined ? "" : argumentOf(command, positional);
  if (file === "") throw new UsageError(`Empty file name of ${command.name}`);
  if (command.file === "required" && file === undefined) {
    throw new UsageError(`No file to ${command.name}: write "tls-off ${command.name} CONFIG.toml"`);
  }
  for (const { name, required, value } of command.flags) {
    if (required && !values.has(name)) throw new UsageError(`Missing flag of ${command.name}: --${name} ${value}`);
  }
  const one = (name: string) => values.get(name)?.[0];
  switch (command.name) {
    case "run":
      if (file === "-") {
        throw new UsageError("Cannot run from standard input: a reload reads the configuration again, name a file");
      }
      if (file === undefined) checkRequired(values);
      return {
        command: "run",
        file: file ?? null,
        flags: configFlags(values, cwd),
        allowKeyLog: values.has(ALLOW_KEY_LOG),
      };
    case "check":
      return { command: "check", file: file!, online: values.has(ONLINE) };
    case "demo":
      return { command: "demo", port: parsePort(one("port")) };
    case "cert":
      return { command: "cert", out: one("out")!, hosts: values.get("host") ?? [], force: values.has("force") };
    case "top":
      return { command: "top", admin: parseAdmin(one("admin") ?? DEFAULT_ADMIN, cwd) };
    case "completions":
      return { command: "completions", shell: word };
    case "version":
      return { command: "version" };
  }
}

/** The word that has to follow a command. */
function argumentOf({ name, argument }: CommandSpec, [word]: readonly string[]): string {
  const { words } = argument!;
  if (word === undefined) throw new UsageError(`Missing word of ${name}: write tls-off ${name} ${words.join("|")}`);
  if (words.includes(word)) return word;
  const allowed = words.map((one) => `"${one}"`).join(", ");
  throw new UsageError(`${name}: found ${quoteValue(word)}, must be one of ${allowed}${didYouMean(word, words)}`);
}

/** The action of `acme`, the certificate's name where the action is about one, and the configuration. */
function parseAcme(command: CommandSpec, positional: string[]): Invocation {
  const action = argumentOf(command, positional) as "list" | "renew" | "revoke";
  const rest = positional.slice(1);
  const [name, file, surplus] = action === "list" ? ["", ...rest] : rest;
  if (name === undefined) throw new UsageError(`No name to ${action}: write "tls-off acme ${action} NAME"`);
  if (surplus !== undefined) throw new UsageError(`Unexpected argument ${quoteValue(surplus)} of acme`);
  return { command: "acme", action, name, file: file ?? null };
}

interface ParsedFlags {
  positional: string[];
  /** The values of each flag by its name: one of a flag that is not repeatable, none of a switch. */
  values: Map<string, string[]>;
  help: boolean;
}

function parseFlags(command: CommandSpec, args: string[]): ParsedFlags {
  const names = command.flags.filter(({ value }) => value !== "").map(({ name }) => name);
  const switches = command.flags.filter(({ value }) => value === "").map(({ name }) => name);
  const valued = switches.find((name) => args.some((arg) => arg.startsWith(`--${name}=`)));
  if (valued !== undefined) throw new UsageError(`Flag --${valued} of ${command.name} takes no value`);
  const unknown: string[] = [];
  const parsed: Record<string, unknown> & { _: (string | number)[] } = parseArgs(args, {
    // All values are collected, so that a flag that is given twice by mistake can be refused.
    string: [...names, "_"],
    collect: names,
    boolean: ["help", ...switches],
    alias: { help: "h" },
    unknown: (arg, key) => key === undefined || (unknown.push(arg), false),
  });
  if (parsed.help === true) return { positional: [], values: new Map(), help: true };
  const values = new Map<string, string[]>();
  for (const flag of command.flags) {
    const given = parsed[flag.name];
    if (given === true) values.set(flag.name, []);
    if (!Array.isArray(given) || given.length === 0) continue;
    values.set(flag.name, checkedTexts(flag, given.map(String)));
  }
  if (unknown.length > 0) throw unknownFlag(command, unknown[0]);
  return { positional: parsed._.map(String), values, help: false };
}

function checkedTexts({ name, value, repeatable }: FlagSpec, texts: string[]): string[] {
  if (texts.includes("")) throw new UsageError(`Missing value of --${name}: write --${name} ${value}`);
  if (!repeatable && texts.length > 1) throw new UsageError(`Flag --${name} is given ${texts.length} times`);
  return texts;
}

function unknownFlag({ name, flags }: CommandSpec, arg: string): UsageError {
  const [word] = arg.split("=", 1);
  const own = flags.find((flag) => word === `--${flag.name}`);
  if (own) return new UsageError(`Missing value of --${own.name}: write --${own.name} ${own.value}`);
  const hint = didYouMean(word, [...flags.map((flag) => `--${flag.name}`), "--help"]);
  return new UsageError(`Unknown flag ${quoteValue(word)} of ${name}${hint || `: see tls-off ${name} --help`}`);
}

/** What has to be given where there is no file: one flag of each row. */
const REQUIRED: readonly (readonly [flag: string, ...others: string[]])[] = [
  ["listen"],
  ["backend"],
  ["cert", "acme"],
  ["key", "acme"],
];

function checkRequired(values: ReadonlyMap<string, unknown>): void {
  const missing = REQUIRED.filter((names) => !names.some((name) => values.has(name))).map(([name]) => `--${name}`);
  if (missing.length === 0) return;
  if (missing.length === REQUIRED.length) {
    throw new UsageError(
      "Nothing to run: give CONFIG.toml, or --listen, --backend, --cert and --key (or --acme and --acme-agree)",
    );
  }
  const [flags, they] = missing.length === 1 ? ["flag", "it"] : ["flags", "they"];
  throw new UsageError(
    `Missing ${flags} ${missing.join(", ")} of run: without CONFIG.toml ${they} must be given, see tls-off run --help`,
  );
}

function configFlags(values: Map<string, string[]>, cwd: string): ConfigFlags {
  const flags: Record<string, string | string[]> = {};
  for (const spec of CONFIG_FLAGS) {
    const texts = values.get(spec.flag.slice(2));
    if (!texts) continue;
    if (spec.value === "") {
      flags[spec.field] = "true";
      continue;
    }
    const problem = flagProblem(spec, texts, cwd);
    if (problem !== null) throw new UsageError(`${spec.flag}: ${problem}`);
    flags[spec.field] = spec.repeatable ? texts : texts[0];
  }
  return flags;
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_DEMO_PORT;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new UsageError(`--port: found ${quoteValue(text)}, must be a number from 0 to 65535`);
  }
  return Number(text);
}

function parseAdmin(text: string, cwd: string): Address {
  // The address of the page, as it is copied from a browser.
  const [, host] = /^http:\/\/([^/]+)\/?$/i.exec(text) ?? [];
  try {
    return parseAddress(host ?? text, { purpose: "connect", baseDir: cwd });
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UsageError(`--admin: found ${quoteValue(text)}, ${error.detail}`);
  }
}
