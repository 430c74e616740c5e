/**
 * The part of `@std/cli/parse-args` that this project uses, with the same interface and results, made with `node:util`.
 * Dotted names (`--a.b`) and values joined to short flags (`-p80`) are left out.
 */
import { parseArgs as tokenize } from "node:util";

/** Options of {@linkcode parseArgs}, as in `@std/cli/parse-args`. */
export interface ParseOptions<
  TBooleans extends string = string,
  TStrings extends string = string,
  TCollectable extends string = string,
> {
  /** Whether what follows `--` goes into `"--"` of the result instead of `_`. */
  "--"?: boolean;
  /** Further names of a flag. */
  alias?: Record<string, string | readonly string[]>;
  /** Flags without a value; absent ones are `false`. */
  boolean?: TBooleans | readonly TBooleans[];
  /** The values of absent flags. */
  default?: Record<string, unknown>;
  /** Whether everything after the first positional argument is positional, too. */
  stopEarly?: boolean;
  /**
   * Flags whose value is a text, `""` where it is missing. `_` stands for the positional arguments, which are texts
   * then.
   */
  string?: TStrings | readonly TStrings[];
  /** Flags whose values are collected into a list; of others the last value counts. */
  collect?: TCollectable | readonly TCollectable[];
  /** Flags that `--no-NAME` sets to `false`. */
  negatable?: string | readonly string[];
  /** Called for what is not defined here; where it returns `false`, the argument is left out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The result of {@linkcode parseArgs}. */
export type Args<TBooleans extends string, TStrings extends string, TCollectable extends string> =
  & Record<string, unknown>
  & { [K in Exclude<TBooleans, TCollectable>]: boolean }
  & { [K in Extract<TBooleans, TCollectable>]: boolean[] }
  & { [K in Exclude<TStrings, TCollectable | "_">]?: string }
  & { [K in Extract<TStrings, TCollectable>]: string[] }
  & { _: (string | number)[]; "--"?: string[] };

/**
 * Parses command-line arguments into flags and positional arguments.
 *
 * @example
 * ```ts
 * parseArgs(["run", "--listen", ":8443"], { string: ["listen"], collect: ["listen"] });
 * // { _: ["run"], listen: [":8443"] }
 * ```
 */
export function parseArgs<
  TBooleans extends string = never,
  TStrings extends string = never,
  TCollectable extends string = never,
>(
  args: string[],
  options: ParseOptions<TBooleans, TStrings, TCollectable> = {},
): Args<TBooleans, TStrings, TCollectable> {
  const names = new Names(options);
  const values = new Map<string, unknown>();
  const positional: (string | number)[] = [];
  const afterTerminator: string[] = [];
  const unknown = options.unknown ?? (() => true);

  const set = (name: string, value: unknown, collect: boolean) => {
    for (const key of names.withAliases(name)) {
      if (!collect || !names.collect.has(key)) values.set(key, value);
      else values.set(key, [...(Array.isArray(values.get(key)) ? values.get(key) as unknown[] : []), value]);
    }
  };
  const setIfKnown = (name: string, value: string | boolean, arg: string, collect = true) => {
    const converted = typeof value === "string" && !names.string.has(name) ? numberIfNumeric(value) : value;
    if (names.isDefined(name) || unknown(arg, name, value) !== false) set(name, converted, collect);
  };

  // To the tokenizer every flag is one without a value. Otherwise it would take a flag for the value of the one before.
  const { tokens } = tokenize({ args, strict: false, allowPositionals: true, tokens: true, options: {} });
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token.kind === "option-terminator") {
      afterTerminator.push(...args.slice(token.index + 1));
      break;
    }
    if (token.kind === "positional") {
      if (unknown(token.value) !== false) {
        positional.push(names.string.has("_") ? token.value : numberIfNumeric(token.value));
      }
      if (!options.stopEarly) continue;
      const end = args.indexOf("--", token.index);
      positional.push(...args.slice(token.index + 1, end < 0 ? undefined : end));
      if (end >= 0) afterTerminator.push(...args.slice(end + 1));
      break;
    }
    const arg = args[token.index];
    const isLong = arg.startsWith("--");
    if (isLong && token.value) {
      const isBoolean = names.boolean.has(token.name);
      setIfKnown(token.name, isBoolean ? token.value !== "false" : token.value, arg);
      continue;
    }
    // Like the original, this reads "--cert=" as a flag named "cert=".
    const name = token.name + (token.value === "" ? "=" : "");
    const negated = isLong && name.startsWith("no-") ? name.slice("no-".length) : "";
    if (names.negatable.has(negated)) {
      setIfKnown(negated, false, arg, false);
      continue;
    }
    const next = tokens[i + 1];
    const isLast = next?.index !== token.index;
    const isValue = isLast && next?.kind === "positional" && (!isLong || next.value !== "-");
    const nextText = isValue ? next.value : "";
    if (nextText !== "" && !names.boolean.has(name)) {
      setIfKnown(name, nextText, arg);
      i++;
    } else if (nextText === "true" || nextText === "false") {
      setIfKnown(name, nextText === "true", arg);
      i++;
    } else {
      setIfKnown(name, names.string.has(name) ? "" : true, arg);
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) if (!values.has(name)) set(name, value, false);
  for (const name of names.boolean) if (!values.has(name)) values.set(name, names.collect.has(name) ? [] : false);
  for (const name of names.string) if (!values.has(name) && names.collect.has(name)) values.set(name, []);
  const rest = options["--"] ? { _: positional, "--": afterTerminator } : { _: [...positional, ...afterTerminator] };
  return { ...Object.fromEntries(values), ...rest } as Args<TBooleans, TStrings, TCollectable>;
}

/** Which names are defined, and as what. */
class Names {
  readonly #aliases = new Map<string, Set<string>>();
  readonly boolean: Set<string>;
  readonly string: Set<string>;
  readonly collect: Set<string>;
  readonly negatable: Set<string>;

  constructor(options: ParseOptions) {
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const group = new Set([name, ...toList(others)]);
      for (const member of group) this.#aliases.set(member, group);
    }
    const expand = (names: string | readonly string[] | undefined) =>
      new Set(toList(names).flatMap((name) => [...this.withAliases(name)]));
    this.boolean = expand(options.boolean);
    this.string = expand(options.string);
    this.collect = expand(options.collect);
    this.negatable = expand(options.negatable);
  }

  withAliases(name: string): Set<string> {
    return this.#aliases.get(name) ?? new Set([name]);
  }

  isDefined(name: string): boolean {
    return this.boolean.has(name) || this.string.has(name) || this.#aliases.has(name);
  }
}

function toList(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === "string" ? [names] : names;
}

function numberIfNumeric(text: string): string | number {
  return /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?$/.test(text) ? Number(text) : text;
}
