import { WORDS } from "./config.ts";
import type { Path } from "./positions.ts";
import type { TomlTable } from "./read_table.ts";
import { isTable } from "./read_table.ts";
import type { Report } from "./report.ts";
import { findKey } from "./schema/schema.ts";
import type { ValueType } from "./schema/value_types.ts";
import * as types from "./schema/value_types.ts";
import { ListError, ValueError } from "../net/value_error.ts";

/** What the command line says about the configuration, as it was typed. */
export interface ConfigFlags {
  listen?: readonly string[];
  backend?: readonly string[];
  route?: readonly string[];
  cert?: string;
  key?: string;
  keyPassphraseFile?: string;
  acme?: readonly string[];
  acmeAgree?: string;
  alpn?: readonly string[];
  redirect?: string;
  workers?: string;
  engine?: string;
  proxyProtocol?: string;
  admin?: string;
  logLevel?: string;
  logFormat?: string;
}

/** A flag that stands for a key of the file. */
interface ConfigFlag {
  /** The flag with its dashes. */
  flag: string;
  field: keyof ConfigFlags;
  /** The key's table. `listener` means the only listener of the file. */
  table: "" | "listener" | "acme" | "redirect" | "log" | "admin";
  key: string;
  /** What the help calls the value; "" for a switch, which stands for `true`. */
  value: string;
  repeatable: boolean;
  /** Where the flag stands for a table: what its text may be, and one line for the help. */
  text?: { type: ValueType<unknown>; description: string };
}

/** Every flag of `run` that stands for a key of the file. */
export const CONFIG_FLAGS: readonly ConfigFlag[] = [
  row("listen", "listener", "listen", "ADDR", true),
  row("backend", "listener", "backend", "ADDR", true),
  {
    ...row("route", "listener", "route", "NAME=ADDR", true),
    text: {
      type: types.routeFlag(),
      description: "an application of its own for clients that ask for this server name (a listener's route)",
    },
  },
  row("cert", "listener", "cert", "PEM"),
  row("key", "listener", "key", "PEM"),
  row("keyPassphraseFile", "listener", "key-passphrase-file", "FILE"),
  row("acme", "listener", "acme", "NAME", true),
  row("acmeAgree", "acme", "terms-agreed", ""),
  row("alpn", "listener", "alpn", "NAME", true),
  row("workers", "", "workers", "N|auto"),
  row("engine", "listener", "engine", WORDS.engine.join("|")),
  row("redirect", "redirect", "listen", "ADDR"),
  row("proxyProtocol", "listener", "proxy-protocol", WORDS.proxyProtocol.join("|")),
  row("admin", "admin", "listen", "ADDR"),
  row("logLevel", "log", "level", WORDS.logLevel.join("|")),
  row("logFormat", "log", "format", WORDS.logFormat.join("|")),
];

function row(
  field: keyof ConfigFlags,
  table: ConfigFlag["table"],
  key: string,
  value: string,
  repeatable = false,
): ConfigFlag {
  const flag = "--" + field.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
  return { flag, field, table, key, value, repeatable };
}

/** Returns the flag that gives the value at a path in the configuration; `null` where there is none. */
export function flagFor(path: Path): string | null {
  const names = path.filter((step) => typeof step === "string").join(".");
  return CONFIG_FLAGS.find(({ table, key }) => [table, key].filter(Boolean).join(".") === names)?.flag ?? null;
}

/** Returns what is wrong with a flag's value: the value found, and what is allowed. `null` where nothing is. */
export function flagProblem(flag: ConfigFlag, texts: readonly string[], cwd: string): string | null {
  try {
    if (flag.text) { for (const text of texts) flag.text.type.parse(text, cwd); }
    else flagType(flag).parse(flagValue(flag, flag.repeatable ? texts : texts[0]), cwd);
    return null;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return error instanceof ListError ? error.detail : error.finding;
  }
}

/** What a flag's value may be. */
export function flagType({ table, key, text }: ConfigFlag): ValueType<unknown> {
  return text?.type ?? findKey(table === "" ? key : `${table}.${key}`)!.type;
}

/** What a flag's text is in the file: numbers are numbers there, and a route is a table. */
function flagValue(flag: ConfigFlag, text: string | readonly string[]): unknown {
  if (flag.value === "") return true;
  if (flag.field === "route") {
    return (text as readonly string[]).map((one) => {
      const at = one.indexOf("=");
      return { "server-name": one.slice(0, at), backend: one.slice(at + 1) };
    });
  }
  return flag.field === "workers" && typeof text === "string" && /^\d+$/.test(text) ? Number(text) : text;
}

/**
 * Puts the flags into the file's tree, where they override what is there.
 *
 * @param tree changed in place
 * @param report is told which values came from flags, and of flags for a listener where the file has several
 */
export function applyFlags(tree: TomlTable, flags: ConfigFlags, report: Report): void {
  for (const flag of CONFIG_FLAGS) {
    const given = flags[flag.field];
    if (given === undefined || (Array.isArray(given) && given.length === 0)) continue;
    const parent = flag.table === "listener"
      ? onlyListener(tree, flag, report)
      : flag.table === ""
      ? { table: tree, path: [] }
      : subTable(tree, flag.table);
    if (!parent) continue;
    parent.table[flag.key] = flagValue(flag, given);
    report.setFlag([...parent.path, flag.key], flag.flag);
  }
}

interface Parent {
  table: TomlTable;
  path: Path;
}

/** Returns `null` where the file has another kind of value by that name, which is reported when the file is read. */
function subTable(tree: TomlTable, name: string): Parent | null {
  const table = Object.hasOwn(tree, name) ? tree[name] : tree[name] = {};
  return isTable(table) ? { table, path: [name] } : null;
}

function onlyListener(tree: TomlTable, flag: ConfigFlag, report: Report): Parent | null {
  const listeners = Object.hasOwn(tree, "listener") ? tree.listener : tree.listener = [];
  if (!Array.isArray(listeners)) return null;
  if (listeners.length > 1) {
    report.flagError(flag.flag, `applies to one listener, the file has ${listeners.length}: change them in the file`);
    return null;
  }
  if (listeners.length === 0) listeners.push({});
  return isTable(listeners[0]) ? { table: listeners[0], path: ["listener", 0] } : null;
}
