import type { ValueType } from "./value_types.ts";

/** One key of the configuration file. */
export interface Key<T> {
  readonly kind: "key";
  /** As written in the file. */
  readonly name: string;
  readonly type: ValueType<T>;
  /** The default as the file would have it; absent where the key must be given. */
  readonly default?: unknown;
  /** Takes the place of a missing or wrong value of a key without default while the rest is checked. */
  readonly placeholder?: T;
  /** The default in words, where it depends on other keys. */
  readonly defaultNote?: string;
  /** One line for `--help`, the reference and the man page. */
  readonly description: string;
}

/** A table, `[name]`. */
interface Table<T> {
  readonly kind: "table";
  readonly name: string;
  readonly fields: Fields<T>;
  readonly description: string;
}

/** An array of tables, `[[name]]`. */
interface TableList<T> {
  readonly kind: "list";
  readonly name: string;
  readonly fields: Fields<T>;
  readonly description: string;
}

/** How each field of `T` comes from the file. */
export type Fields<T> = {
  readonly [F in keyof T]: Key<T[F]> | Table<T[F]> | (T[F] extends (infer E)[] ? TableList<E> : never);
};

/** A field whose type is not known. */
export type Field = Key<unknown> | Table<unknown> | TableList<unknown>;

/** The fields of a table, in the table's order. */
export function fieldsOf(fields: Fields<unknown>): [string, Field][] {
  return Object.entries(fields) as [string, Field][];
}

/** Makes a key. */
export function key<T>(
  name: string,
  type: ValueType<T>,
  options: { default: unknown; defaultNote?: string } | { placeholder: T },
  description: string,
): Key<T> {
  return { kind: "key", name, type, ...options, description };
}

/** Makes a table. */
export function table<T>(name: string, fields: Fields<T>, description: string): Table<T> {
  return { kind: "table", name, fields, description };
}

/** Makes an array of tables. */
export function tableList<T>(name: string, fields: Fields<T>, description: string): TableList<T> {
  return { kind: "list", name, fields, description };
}
