import { type AdminConfig, type Config, type LogConfig, WORDS } from "../config.ts";
import { ACME, REDIRECT } from "./schema_acme.ts";
import { LISTENER, type ListenerFile } from "./schema_listener.ts";
import { type Fields, fieldsOf, type Key, key, table, tableList } from "./schema_types.ts";
import * as types from "./value_types.ts";

/** The whole file. */
export interface ConfigFile extends Omit<Config, "file" | "listeners"> {
  listeners: ListenerFile[];
}

const LOG: Fields<LogConfig> = {
  level: key(
    "level",
    types.oneOf(...WORDS.logLevel),
    { default: "info" },
    "the lowest level that is logged",
  ),
  format: key(
    "format",
    types.oneOf(...WORDS.logFormat),
    { default: "auto" },
    '"auto" is journald where stderr is the journal, text on a terminal, else json',
  ),
  access: key(
    "access",
    types.boolean(),
    { default: true },
    "whether each closed connection is a record; those that failed at the backend are logged in any case",
  ),
  metricsIntervalMs: key(
    "metrics-interval",
    types.duration(100),
    { default: 0 },
    "how often the metrics are logged as records; 0 for never",
  ),
  file: key("file", types.path({ optional: true }), { default: "" }, 'log file, reopened on SIGUSR1; "" for stderr'),
  fileSize: key(
    "file-size",
    types.size(4096),
    { default: "64MiB" },
    "size at which the log file is rotated; 0 for never",
  ),
  fileCount: key("file-count", types.integer(0, 1000), { default: 5 }, "how many rotated log files are kept"),
};

const ADMIN: Fields<AdminConfig> = {
  listen: key("listen", types.optionalAddress(), { default: "" }, 'address of the admin endpoint; "" for off'),
  expose: key(
    "expose",
    types.boolean(),
    { default: false },
    "allow an address that other machines can reach: the endpoint asks for no password",
  ),
  topClients: key(
    "top-clients",
    types.integer(0, 1000),
    { default: 20 },
    "how many of the busiest clients have metrics of their own",
  ),
};

const SHUTDOWN: Fields<Config["shutdown"]> = {
  graceMs: key(
    "grace",
    types.duration(),
    { default: "30s" },
    "how long connections may take to finish after a drain began; 0: they are cut at once",
  ),
};

/** Every key of the configuration file. Parsing, defaults, help and the reference come from this table. */
export const SCHEMA: Fields<ConfigFile> = {
  workers: key(
    "workers",
    types.wordOrInteger("auto", 1, 256),
    { default: "auto" },
    'worker threads; "auto" for the CPUs that this process may use',
  ),
  reload: key(
    "reload",
    types.oneOf(...WORDS.reload),
    { default: "signal" },
    "when certificates are loaded anew: on SIGHUP, or also when their files change",
  ),
  reloadGraceMs: key(
    "reload-grace",
    types.duration(),
    { default: 0 },
    "how long connections may live on after a reload; 0: as long as they like",
  ),
  listeners: tableList("listener", LISTENER, "an address to accept TLS on, and the application behind it"),
  acme: table("acme", ACME, "how certificates are ordered that listeners ask for by `acme` (RFC 8555)"),
  redirect: table("redirect", REDIRECT, "plain HTTP, sent on to HTTPS"),
  log: table("log", LOG, "what is logged, how, and where to"),
  admin: table("admin", ADMIN, "live page, metrics, health and control over HTTP"),
  shutdown: table("shutdown", SHUTDOWN, "how the process ends"),
};

/** Finds a key by its dotted path, such as `listener.engine`. */
export function findKey(path: string): Key<unknown> | null {
  let fields = fieldsOf(SCHEMA as Fields<unknown>);
  const names = path.split(".");
  for (const [depth, name] of names.entries()) {
    const field = fields.find(([, field]) => field.name === name)?.[1];
    if (field?.kind === "key") return depth === names.length - 1 ? field : null;
    fields = field ? fieldsOf(field.fields as Fields<unknown>) : [];
  }
  return null;
}

/** One key as the reference describes it. */
interface KeyDescription {
  /** The table's header as written, `[[listener]]` or `[listener.timeouts]`; `""` at the top level. */
  table: string;
  /** The dotted path, such as `listener.timeouts.handshake`. */
  path: string;
  name: string;
  /** Such as `duration`. */
  type: string;
  allowed: string;
  /** The default in TOML, or words such as "its first address"; `null` where the key must be given. */
  default: string | null;
  description: string;
}

/** One table as the reference describes it. */
interface TableDescription {
  /** As {@linkcode KeyDescription.table}. */
  table: string;
  description: string;
}

/** Made when it is first asked for: a program that starts describes nothing. */
let described: ReturnType<typeof describe> | null = null;

/** Every key in the order of the file, for generated references. */
export function describeKeys(): readonly KeyDescription[] {
  return (described ??= describe(SCHEMA, "", "")).keys;
}

/** Every table in the order of the file, for generated references. */
export function describeTables(): readonly TableDescription[] {
  return (described ??= describe(SCHEMA, "", "")).tables;
}

function describe(fields: Fields<never> | Fields<ConfigFile>, path: string, header: string) {
  const keys: KeyDescription[] = [];
  const tables: TableDescription[] = [];
  for (const [, field] of fieldsOf(fields as Fields<unknown>)) {
    const fieldPath = path === "" ? field.name : `${path}.${field.name}`;
    if (field.kind === "key") {
      const { name, type, description } = field;
      const value = "default" in field ? field.defaultNote ?? toToml(field.default) : null;
      keys.push({
        table: header,
        path: fieldPath,
        name,
        type: type.name,
        allowed: type.allowed,
        default: value,
        description,
      });
      continue;
    }
    const inner = field.kind === "list" ? `[[${fieldPath}]]` : `[${fieldPath}]`;
    tables.push({ table: inner, description: field.description });
    const described = describe(field.fields as Fields<never>, fieldPath, inner);
    keys.push(...described.keys);
    tables.push(...described.tables);
  }
  return { keys, tables };
}

/** Writes a value as TOML. JSON and TOML are the same for booleans, numbers, plain texts and lists of them. */
function toToml(value: unknown): string {
  return Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(", ")}]` : JSON.stringify(value);
}
