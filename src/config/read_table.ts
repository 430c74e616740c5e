import { formatPath, type Path } from "./positions.ts";
import { quoteValue } from "../net/quote_value.ts";
import type { Report } from "./report.ts";
import { describeKeys, describeTables } from "./schema/schema.ts";
import { type Field, type Fields, fieldsOf, type Key } from "./schema/schema_types.ts";
import { nearest, plain } from "./suggest.ts";
import { ListError, MemberError, ValueError } from "../net/value_error.ts";

/** A table as the TOML parser gives it. */
export type TomlTable = Record<string, unknown>;

/** Whether a value of TOML is a table, and neither a list nor a date. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date) &&
    [null, Object.prototype].includes(Object.getPrototypeOf(value));
}

/**
 * Reads a table by its schema. A wrong value is reported, and the result has its default or placeholder instead, so
 * that the rest can be checked.
 */
export function readTable<T>(fields: Fields<T>, table: TomlTable, path: Path, report: Report): T {
  const known = fieldsOf(fields as Fields<unknown>);
  reportUnknown(known.map(([, field]) => field.name), table, path, report);
  return Object.fromEntries(known.map(([name, field]) => [name, readField(field, table, path, report)])) as T;
}

function readField(field: Field, table: TomlTable, tablePath: Path, report: Report): unknown {
  const path = [...tablePath, field.name];
  const value = Object.hasOwn(table, field.name) ? table[field.name] : undefined;
  if (field.kind === "key") return readKey(field, value, path, report);
  if (field.kind === "table") {
    if (value !== undefined && !isTable(value)) {
      report.error(path, `found ${quoteValue(value)}, must be a table: [${formatPath(path)}]`);
    }
    return readTable(field.fields, isTable(value) ? value : {}, path, report);
  }
  if (value !== undefined && !(Array.isArray(value) && value.every(isTable))) {
    report.error(path, `found ${quoteValue(value)}, must be an array of tables: [[${formatPath(path)}]]`);
    return [];
  }
  return (value ?? []).map((element, index) =>
    readTable(field.fields as Fields<unknown>, element, [...path, index], report)
  );
}

function readKey(key: Key<unknown>, value: unknown, path: Path, report: Report): unknown {
  if (value === undefined) {
    if ("default" in key) return key.type.parse(key.default, report.source.fileDir);
    if (!report.hasFailed(path)) report.error(path, `missing, must be given: ${key.description}`);
    return key.placeholder;
  }
  try {
    return key.type.parse(value, report.baseDir(path));
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const tell = (error: ValueError, ...steps: Path) =>
      report.error(path, error.finding, ...steps, ...(error instanceof MemberError ? [error.member] : []));
    if (error instanceof ListError) error.elements.forEach((element) => tell(element.error, element.index));
    else tell(error);
    return "default" in key ? key.type.parse(key.default, report.source.fileDir) : key.placeholder;
  }
}

function reportUnknown(names: string[], table: TomlTable, path: Path, report: Report): void {
  const unknown = Object.keys(table).filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  const ofListener = path.length > 0 ? [] : unknown.filter(isListenerKey);
  for (const name of unknown) {
    if (!ofListener.includes(name)) reportUnknownKey(name, names, table, path, report);
    // Where one key of a listener stands at the top level, the others do as well.
    else if (name !== ofListener[0]) continue;
    else {
      report.error([name], `belongs to a listener: must stand below a line [[listener]]`);
      report.setMeant(["listener"]);
    }
  }
}

function reportUnknownKey(name: string, names: string[], table: TomlTable, path: Path, report: Report): void {
  const near = nearestKey(name, names);
  report.error([...path, name], `unknown key${near === null ? elsewhere(name, names) : `, did you mean "${near}"?`}`);
  // That it is missing would be said of the same mistake.
  if (near !== null && !Object.hasOwn(table, near)) report.setMeant([...path, near]);
}

/** What other programs call a key. */
const SYNONYMS = new Map([
  ["address", "listen"],
  ["bind", "listen"],
  ["port", "listen"],
  ["upstream", "backend"],
  ["target", "backend"],
  ["certificate", "cert"],
  ["private-key", "key"],
  ["threads", "workers"],
]);

function nearestKey(name: string, names: string[]): string | null {
  const synonym = SYNONYMS.get(plain(name));
  return synonym !== undefined && names.includes(synonym) ? synonym : nearest(name, names);
}

function isListenerKey(name: string): boolean {
  return describeKeys().some((key) => key.table === "[[listener]]" && key.name === name);
}

/** Where else the key might belong, or what is allowed here. */
function elsewhere(name: string, here: string[]): string {
  const found = describeTables().find(({ table }) => table.replace(/\]+$/, "").endsWith(`.${name}`));
  if (found !== undefined) return `, did you mean ${found.table}?`;
  const other = describeKeys().find((key) => key.name === name);
  if (!other) return `, must be one of ${here.map((known) => `"${known}"`).join(", ")}`;
  return other.table === ""
    ? `, did you mean "${name}" at the top level, above the first [table]?`
    : `, did you mean "${name}" in ${other.table}?`;
}
