/** A position in a text. Both numbers count from 1, columns in UTF-16 units. */
export interface Position {
  line: number;
  column: number;
}

/** The steps that lead to a value: keys of tables, and indexes of lists. */
export type Path = readonly (string | number)[];

/** Finds where the keys of a TOML document stand. */
export interface Positions {
  /** The position of a key or of an element of a list; where there is none, of the nearest table around it. */
  find(path: Path): Position;
}

/** Writes a path as `listener.timeouts.idle`. Indexes are left out, and keys that are not plain words are quoted. */
export function formatPath(path: Path): string {
  const names = path.filter((step) => typeof step === "string");
  return names.map((name) => /^[\w-]{1,64}$/.test(name) ? name : quoteKey(name)).join(".");
}

function quoteKey(name: string): string {
  return JSON.stringify(name.length > 64 ? name.slice(0, 64) + "…" : name);
}

/**
 * Indexes the keys of a TOML document, which the parser gives without their places.
 *
 * @param source a document that the parser accepted; on others the index is incomplete, but never fails
 */
export function indexPositions(source: string): Positions {
  const root = new Scanner(source).document();
  const lineStarts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return {
    find(path) {
      let entry = root;
      for (const step of path) {
        const child = entry.children.get(step);
        if (!child) break;
        entry = child;
      }
      const line = lastNotAbove(lineStarts, entry.offset);
      return { line: line + 1, column: entry.offset - lineStarts[line] + 1 };
    },
  };
}

/** The index of the last of ascending numbers that is not above a limit. The first one must not be. */
function lastNotAbove(numbers: number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= limit) low = middle;
    else high = middle;
  }
  return low;
}

class Entry {
  readonly children = new Map<string | number, Entry>();
  /** How many `[[headers]]` there were so far. */
  tables = 0;
  constructor(readonly offset: number) {}

  child(step: string | number, offset: number): Entry {
    let child = this.children.get(step);
    if (!child) this.children.set(step, child = new Entry(offset));
    return child;
  }

  /** The table that a header refers to: of an array of tables the last one. */
  current(): Entry {
    return this.tables === 0 ? this : this.children.get(this.tables - 1) ?? this;
  }
}

interface KeyPart {
  name: string;
  offset: number;
}

/** Deepest nesting that is followed. No key of the program is as deep, and the call stack is finite. */
const MAX_DEPTH = 200;

/** Walks over a document (https://toml.io/en/v1.0.0). Each step moves forward, so that nothing can hang it. */
class Scanner {
  #at = 0;
  constructor(readonly source: string) {}

  document(): Entry {
    const root = new Entry(0);
    let table = root;
    while (this.#skipBlank(/[\s]*/y)) {
      const start = this.#at;
      if (this.#peek() === "[") table = this.#header(root);
      else this.#pair(table, 0);
      // What follows on the same line is another pair for parsers that let it pass.
      if (this.#at === start) this.#at++;
    }
    return root;
  }

  #header(root: Entry): Entry {
    const offset = this.#at;
    const isList = this.#match(/\[\[?/y).length === 2;
    const parts = this.#dottedKey();
    const last = parts.pop();
    let entry = root;
    for (const part of parts) entry = entry.child(part.name, offset).current();
    if (!last) return entry;
    const named = entry.child(last.name, offset);
    return isList ? named.child(named.tables++, offset) : named;
  }

  #pair(table: Entry, depth: number): void {
    let entry = table;
    for (const part of this.#dottedKey()) entry = entry.child(part.name, part.offset);
    if (this.#match(/[ \t]*=[ \t]*/y) !== "") this.#value(entry, depth);
  }

  #dottedKey(): KeyPart[] {
    const parts: KeyPart[] = [];
    do {
      this.#match(/[ \t]*/y);
      const offset = this.#at;
      const quote = this.#peek();
      const text = this.#match(quote === '"' || quote === "'" ? STRING : /[\w-]+/y);
      if (text === "") break;
      parts.push({ name: quote === '"' ? unescape(text) : quote === "'" ? text.slice(1, -1) : text, offset });
    } while (this.#match(/[ \t]*\./y) !== "");
    return parts;
  }

  #value(entry: Entry, depth: number): void {
    const start = this.#peek();
    if (depth > MAX_DEPTH) this.#at = this.source.length;
    else if (start === "[") this.#list(entry, depth + 1);
    else if (start === "{") this.#inlineTable(entry, depth + 1);
    else this.#match(start === '"' || start === "'" ? STRING : /[^,\]}#\n]*/y);
  }

  #list(entry: Entry, depth: number): void {
    this.#at++;
    for (let index = 0; this.#skipBlank(/[\s,]*/y) && this.#peek() !== "]"; index++) {
      const start = this.#at;
      this.#value(entry.child(index, start), depth);
      if (this.#at === start) this.#at++;
    }
    this.#at++;
  }

  #inlineTable(entry: Entry, depth: number): void {
    this.#at++;
    while (this.#skipBlank(/[\s,]*/y) && this.#peek() !== "}") {
      const start = this.#at;
      this.#pair(entry, depth);
      if (this.#at === start) this.#at++;
    }
    this.#at++;
  }

  /** Skips what the pattern matches, and comments. Returns whether something follows. */
  #skipBlank(blank: RegExp): boolean {
    do this.#match(blank); while (this.#match(/#[^\n]*/y) !== "");
    return this.#at < this.source.length;
  }

  #peek(): string {
    return this.source.charAt(this.#at);
  }

  /** Takes what a sticky pattern matches at the current position; "" where it does not match. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.source)?.[0] ?? "";
    this.#at += text.length;
    return text;
  }
}

/** The four kinds of strings. In multi-line ones, one or two quotes may stand right before the closing three. */
const STRING = new RegExp(
  [
    '"""(?:[^"\\\\]|\\\\[^]|"{1,2}(?!"))*"{3,5}',
    "'''(?:[^']|'{1,2}(?!'))*'{3,5}",
    '"(?:[^"\\\\\\n]|\\\\.)*"',
    "'[^'\\n]*'",
  ].join("|"),
  "y",
);

const ESCAPES: Record<string, string> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\x1b" };

function unescape(quoted: string): string {
  return quoted.slice(1, -1).replace(
    /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g,
    (whole, x, u, U, letter) => {
      if (letter !== undefined) return ESCAPES[letter] ?? letter;
      const code = parseInt(x ?? u ?? U, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
