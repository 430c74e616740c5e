import { parse } from "@std/toml";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { withoutCovered } from "../net/address.ts";
import { checkConfig } from "./checks.ts";
import { completeRoutes } from "./complete_routes.ts";
import { explainSyntax } from "./explain_syntax.ts";
import type { AcmeConfig, CertificateConfig, Config, ListenerConfig } from "./config.ts";
import { applyFlags, type ConfigFlags, flagFor } from "./flags.ts";
import { indexPositions, type Path, type Position, type Positions } from "./positions.ts";
import { ConfigError, type Problem } from "./problem.ts";
import { readConfigFile, readConfigInput, ReadError } from "../files/read_file.ts";
import { isTable, readTable, type TomlTable } from "./read_table.ts";
import type { IsGiven } from "./is_given.ts";
import { Report, type Source } from "./report.ts";
import { ACME } from "./schema/schema_acme.ts";
import { type ConfigFile, SCHEMA } from "./schema/schema.ts";
import type { ListenerFile } from "./schema/schema_listener.ts";

/** A configuration, or what is wrong with it. */
export interface LoadResult {
  /** `null` where a problem is an error. */
  config: Config | null;
  /** Every problem found, in the order of the file. */
  problems: Problem[];
  /**
   * Each listener as far as it could be read, with the default for what is wrong; empty where nothing could be read.
   */
  listeners: ListenerFile[];
  /** Where keys stand; `null` where there is no file, or it could not be read. */
  positions: Positions | null;
}

/**
 * Loads and validates a configuration. Certificates are named in it, but not read.
 *
 * @param file path of the TOML file, `-` for standard input; `null` for flags alone
 * @param flags override the file
 * @param cwd what relative paths on the command line start from
 */
export async function loadConfig(
  file: string | null,
  flags: ConfigFlags = {},
  cwd: string = process.cwd(),
): Promise<LoadResult> {
  if (file === null) return fromTree({}, { file: null, positions: null, fileDir: cwd, cwd }, flags);
  let source: string;
  try {
    source = await (file === "-" ? readConfigInput() : readConfigFile(resolve(cwd, file)));
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    return unread(problemOf(file, error.message, error));
  }
  return parseConfig(source, file, flags, cwd);
}

/**
 * Validates the text of a configuration file.
 *
 * @param source TOML
 * @param file its path, for messages and for relative paths in it
 * @param flags override the file
 * @param cwd what relative paths on the command line start from
 */
export function parseConfig(source: string, file: string, flags: ConfigFlags, cwd: string): LoadResult {
  let tree: TomlTable;
  try {
    tree = parse(source) as TomlTable;
  } catch (error) {
    return unread(syntaxProblem(file, source, error));
  }
  let positions: Positions | undefined;
  // Most files have no problem, and then the position of no key is needed.
  const find = (path: Path): Position => (positions ??= indexPositions(source)).find(path);
  const fileDir = dirname(resolve(cwd, file));
  return fromTree(tree, { file, positions: { find }, fileDir, cwd }, flags);
}

/**
 * Makes a configuration in code, by the same rules and with the same defaults as from a file.
 *
 * @param tree what the file would hold, with its names
 * @param baseDir what relative paths start from
 * @throws {ConfigError}
 *
 * @example
 * ```ts
 * const listener = { listen: ":8443", backend: "unix:/run/app.sock", cert: "cert.pem", key: "key.pem" };
 * buildConfig({ listener: [listener] }, "/etc/app");
 * ```
 */
export function buildConfig(tree: Record<string, unknown>, baseDir: string): Config {
  const source: Source = { file: null, positions: null, fileDir: baseDir, cwd: baseDir };
  const report = new Report(source, () => null);
  const { config, problems } = validate(structuredClone(tree), report);
  if (config === null) throw new ConfigError(problems.filter(({ severity }) => severity === "error"));
  return config;
}

/** `[acme]` as it is where no configuration says anything of it. */
export function buildAcmeConfig(cwd: string = process.cwd()): AcmeConfig {
  const source: Source = { file: null, positions: null, fileDir: cwd, cwd };
  return readTable<AcmeConfig>(ACME, {}, ["acme"], new Report(source, () => null));
}

function unread(problem: Problem): LoadResult {
  return { config: null, problems: [problem], listeners: [], positions: null };
}

function fromTree(tree: TomlTable, source: Source, flags: ConfigFlags): LoadResult {
  const report = new Report(source, flagFor);
  applyFlags(tree, flags, report);
  return validate(tree, report);
}

function validate(tree: TomlTable, report: Report): LoadResult {
  const read = readTable<ConfigFile>(SCHEMA, tree, [], report);
  const isGiven = (path: Path) => has(tree, path);
  for (const [index, listener] of read.listeners.entries()) completeRoutes(listener, ["listener", index], isGiven);
  checkConfig(read, isGiven, report);
  const { file, cwd } = report.source;
  const { listeners, ...rest } = read;
  const config = report.hasErrors ? null : {
    file: file === null ? null : resolve(cwd, file),
    ...rest,
    listeners: listeners.map((listener, index) => toListener(listener, ["listener", index], isGiven)),
  };
  return { config, problems: report.sorted(), listeners, positions: report.source.positions };
}

const TLVS_KEY = "proxy-protocol-tlvs";

function toListener(file: ListenerFile, path: Path, isGiven: IsGiven): ListenerConfig {
  const { cert: _cert, key: _key, keyPassphraseFile: _file, clientAuth, routes, ...listener } = file;
  const proxyProtocolTlvsNamed = isGiven([...path, TLVS_KEY]);
  return {
    ...listener,
    proxyProtocolTlvsNamed,
    routes: routes.map((route, index) => ({
      ...route,
      proxyProtocolTlvsNamed: proxyProtocolTlvsNamed || isGiven([...path, "route", index, TLVS_KEY]),
    })),
    listen: withoutCovered(listener.listen),
    certificates: certificatesOf(file),
    clientAuth: { ...clientAuth, ca: clientAuth.mode === "none" ? null : clientAuth.ca },
  };
}

/** Returns all certificates of a listener: its own first, which is apart from the others in the file. */
export function certificatesOf({ cert, key, keyPassphraseFile, certificates }: ListenerFile): CertificateConfig[] {
  const further = certificates.map((each, index) => ({ ...each, path: ["certificates", index] }));
  return cert === "" ? further : [{ path: [], cert, key, keyPassphraseFile, names: [] }, ...further];
}

function has(tree: unknown, path: Path): boolean {
  let value = tree;
  for (const step of path) {
    if (!(Array.isArray(value) || isTable(value)) || !Object.hasOwn(value, step)) return false;
    value = (value as TomlTable)[step];
  }
  return true;
}

/**
 * Makes a problem of a parser's error. smol-toml gives line and column; `@std/toml` writes them into its message, some
 * of them twice, counts columns from 0, and quotes the line as it is.
 */
function syntaxProblem(file: string, source: string, error: unknown): Problem {
  const { message, line, column } = error as { message?: string; line?: number; column?: number };
  const firstLine = (message ?? String(error)).split("\n", 1)[0];
  const written = /^(?:Parse error on line (\d+), column (\d+): )+/.exec(firstLine);
  const place = {
    line: line ?? Number(written?.[1] ?? 0),
    column: column ?? (written === null ? 0 : Number(written[2]) + 1),
  };
  const detail = firstLine.slice(written?.[0].length ?? 0).replace(/^Invalid TOML document: /, "");
  const said = explainSyntax(source, place, detail) ?? detail;
  // deno-lint-ignore no-control-regex -- what must not reach a terminal
  return problemOf(file, `invalid TOML: ${said.replace(/[\x00-\x1f\x7f-\x9f]/g, "?")}`, place);
}

function problemOf(file: string, message: string, { line, column }: Position): Problem {
  return { severity: "error", file, line, column, key: "", message };
}
