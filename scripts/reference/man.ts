import type { Block, Section } from "./model.ts";

export interface ManOptions {
  version: string;
  /** `YYYY-MM-DD`. */
  date: string;
}

const SOURCE_WIDTH = 80;

/** The sections of the man page before those of the reference. */
const HEAD: [string, string[]][] = [
  ["NAME", ["tls\\-off \\- TLS\\-terminating proxy in front of an application"]],
  ["SYNOPSIS", [
    ".B tls\\-off run",
    ".RI [ CONFIG.toml ]",
    ".RI [ flags ]",
    ".br",
    ".B tls\\-off",
    ".I COMMAND",
    ".RI [ flags ]",
  ]],
  ["DESCRIPTION", [
    "tls\\-off accepts TLS, decrypts it, and forwards the bytes to an application,",
    "by default over a Unix socket.",
    "The answer goes back encrypted.",
    "It does not look inside the bytes, so that it works for any protocol.",
  ]],
];

const EXAMPLES = [
  ["Try it, without any file", ["tls-off demo"]],
  ["Make a certificate for development, and serve an application", [
    "tls-off cert --out .",
    "tls-off run --listen :8443 --backend unix:app.sock --cert cert.pem --key key.pem",
  ]],
  ["Say what is wrong with a configuration", ["tls-off check /etc/tls-off/tls-off.toml"]],
  ["Ask the journal for the connections of one client", ["journalctl -t tls-off CLIENT=203.0.113.7"]],
] as const;

/** Writes the sections as a manual page, `man(7)`. */
export function toMan(sections: Section[], { version, date }: ManOptions): string {
  const lines = [
    `.TH TLS\\-OFF 1 ${date} "tls\\-off ${version}" "User Commands"`,
    // No hyphenation, because readers copy names from the page.
    ".nh",
    ...HEAD.flatMap(([title, lines]) => [`.SH ${title}`, ...lines]),
    ...sections.flatMap(({ title, blocks }) => [`.SH ${title.toUpperCase()}`, ...blocks.flatMap(block)]),
    ".SH EXAMPLES",
    ...EXAMPLES.flatMap(([title, lines]) => [".PP", `${escape(title)}:`, ...example(lines)]),
    ".SH SEE ALSO",
    ".BR openssl (1),",
    ".BR journalctl (1),",
    ".BR systemd.socket (5)",
    "",
  ];
  // The first paragraph after a heading must not have a request of its own.
  return lines.filter((line, index) => line !== ".PP" || !/^\.S[HS] /.test(lines[index - 1])).join("\n");
}

function block(one: Block): string[] {
  switch (one.kind) {
    case "heading":
      return [`.SS ${escape(one.text)}`];
    case "text":
      return [".PP", ...inline(one.text)];
    case "code":
      return example(one.lines);
    case "table":
      return one.table.rows.flatMap((row) => [".TP", ...inline(row[0], false), ...definition(one.table.columns, row)]);
  }
}

/** Writes the last cell, then the cells between as "Column: value." */
function definition(columns: string[], row: string[]): string[] {
  const between = row.slice(1, -1).map((cell, index) => cell === "" ? "" : `${columns[index + 1]}: ${cell}.`);
  return [
    ...inline(`${capital(row.at(-1)!)}.`),
    ...between.filter((line) => line !== "").flatMap((line) => [".br", ...inline(line)]),
  ];
}

function example(lines: readonly string[]): string[] {
  return [".PP", ".RS 4", ".nf", ...lines.map(escape), ".fi", ".RE"];
}

/**
 * Writes code in bold. Breaks the text at spaces into lines of the source, except for a term, which must be one line.
 */
function inline(text: string, broken = true): string[] {
  const line = text.replace(/\.\.$/, ".").split(/`([^`]*)`/)
    .map((part, index) => index % 2 === 1 ? `\\fB${escapeInside(part)}\\fR` : escapeInside(part)).join("");
  return (broken ? breakLine(line) : [line]).map(guard);
}

/** Begins a new line with each sentence, as roff requires, and at 80 characters, as far as there are spaces. */
function breakLine(text: string): string[] {
  const lines: string[] = [];
  for (const sentence of text.split(/(?<=[a-z)R]\.) (?=[A-Z\\])/)) {
    let line = "";
    for (const word of sentence.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > SOURCE_WIDTH) {
        lines.push(line);
        line = word;
      } else line += (line === "" ? "" : " ") + word;
    }
    lines.push(line);
  }
  return lines;
}

function escape(text: string): string {
  return guard(escapeInside(text));
}

/** Escapes characters that roff would print as typographic ones (groff_char(7)): hyphens, quotes, accents. */
function escapeInside(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replaceAll("…", "...");
}

/** Escapes the beginning of a line with a dot or a quote, which would be a request. */
function guard(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function capital(sentence: string): string {
  return sentence[0].toUpperCase() + sentence.slice(1);
}
