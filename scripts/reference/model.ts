/** The reference as plain data, from which the page and the man page are written. */
import { COMMANDS } from "../../src/cli/args_commands.ts";
import { describeFlag, flagText, usageLine, wrap } from "../../src/cli/help.ts";
import { ADDRESS_ALLOWED } from "../../src/net/address.ts";
import { describeKeys, describeTables } from "../../src/config/schema/schema.ts";
import { DURATION_ALLOWED, SIZE_ALLOWED } from "../../src/config/schema/units.ts";
import { EVENTS } from "../../src/log/events.ts";
import { REASON_TABLE, REASONS } from "../../src/metrics/reasons.ts";
import { PROXY_HEADER_REASONS } from "../../src/proxy_protocol/proxy_header_error.ts";
import { describeMetrics, listMetricFields, listRoutes } from "./observed.ts";
import {
  ENVIRONMENT_TEXTS,
  EXIT_TEXTS,
  FIELD_TEXTS,
  METRIC_FIELD_TEXTS,
  PROXY_HEADER_REASON_TEXTS,
  ROUTE_TEXTS,
  SIGNAL_TEXTS,
} from "./texts.ts";

/** A table. The first cell of a row is the term, the last explains it. Texts may have `code` in backticks. */
export interface Table {
  columns: string[];
  rows: string[][];
}

/** One part of a section. */
export type Block =
  | { kind: "heading"; text: string }
  | { kind: "text"; text: string }
  | { kind: "code"; lines: string[] }
  | { kind: "table"; table: Table };

export interface Section {
  title: string;
  blocks: Block[];
}

/** Most characters of a usage line, so that it fits into a man page on a terminal of 80 columns. */
const USAGE_WIDTH = 68;

const heading = (text: string): Block => ({ kind: "heading", text });
const text = (text: string): Block => ({ kind: "text", text });
const table = (columns: string[], rows: string[][]): Block => ({ kind: "table", table: { columns, rows } });
const code = (value: string) => `\`${value}\``;

/** Makes every section of the reference, in its order. */
export function referenceSections(): Section[] {
  return [
    commands(),
    configuration(),
    terms("Signals", "Signal", SIGNAL_TEXTS),
    terms("Exit codes", "Code", EXIT_TEXTS),
    environment(),
    routes(),
    metrics(),
    records(),
  ];
}

function terms(title: string, column: string, texts: Record<string, string>, intro: Block[] = []): Section {
  const rows = Object.entries(texts).map(([term, said]) => [code(term), said]);
  return { title, blocks: [...intro, table([column, "Meaning"], rows)] };
}

function commands(): Section {
  const blocks = COMMANDS.flatMap((command): Block[] => {
    const { name, summary, flags, details } = command;
    const rows = flags.map((flag) => [code(flagText(flag)), codeQuotes(describeFlag(flag))]);
    return [
      heading(`tls-off ${name}`),
      text(`${capital(summary)}.`),
      { kind: "code", lines: wrap(usageLine(command), 0, "tls-off ".length + name.length + 1, USAGE_WIDTH) },
      ...(rows.length > 0 ? [table(["Flag", "Meaning"], rows)] : []),
      ...details.map(text),
    ];
  });
  const others = text(
    "`tls-off CONFIG.toml` is `tls-off run CONFIG.toml`. `tls-off --version` is `tls-off version`. " +
      "`tls-off --help` and `tls-off COMMAND --help` print help.",
  );
  return { title: "Commands", blocks: [others, ...blocks] };
}

function configuration(): Section {
  const keys = describeKeys();
  const blocks = [{ table: "", description: "" }, ...describeTables()].flatMap((part): Block[] => [
    heading(part.table === "" ? "Top level" : part.table),
    ...(part.description === "" ? [] : [text(`${capital(part.description)}.`)]),
    table(
      ["Key", "Allowed", "Default", "Meaning"],
      keys.filter((key) => key.table === part.table).map((key) => [
        code(key.name),
        codeQuotes(shortAllowed(key.allowed)),
        defaultText(key.default),
        codeQuotes(key.description),
      ]),
    ),
  ]);
  const intro = [
    "The file is TOML. Relative paths start from the file's directory. An unknown key is an error. " +
    "Flags of the command line override the file.",
    ...LONG_FORMS.map(([allowed]) => codeQuotes(`${capital(allowed.replace(" such as", " is written as"))}.`)),
  ];
  return { title: "Configuration", blocks: [...intro.map(text), ...blocks] };
}

/** Forms of values that many keys share, and that are explained once. */
const LONG_FORMS = [[ADDRESS_ALLOWED, "an address"], [DURATION_ALLOWED, "a duration"], [SIZE_ALLOWED, "a size"]];

function shortAllowed(allowed: string): string {
  return LONG_FORMS.reduce((text, [long, short]) => text.replace(long, short), allowed);
}

function environment(): Section {
  return terms("Environment", "Variable", ENVIRONMENT_TEXTS, [text("Nothing else of the environment is read.")]);
}

function routes(): Section {
  const intro = text("HTTP, on `admin.listen`. Other methods get 405.");
  return terms("Admin endpoint", "Request", pick(ROUTE_TEXTS, listRoutes()), [intro]);
}

function metrics(): Section {
  const rows = describeMetrics().map(({ name, type, labels, help }) => [
    code(name),
    type,
    labels.map(code).join(", "),
    codeQuotes(help),
  ]);
  const intro = text("What `/metrics` of the admin endpoint answers, in Prometheus' text format.");
  return { title: "Metrics", blocks: [intro, table(["Metric", "Type", "Labels", "Meaning"], rows)] };
}

function records(): Section {
  const list = (texts: Record<string, string>) => Object.entries(texts).map(([name, said]) => [code(name), said]);
  return {
    title: "Log records",
    blocks: [
      text(
        "Each record has `time`, `level`, `event` and `msg`, and fields of its own. In the journal each field is a field " +
          "there, in upper case: `CLIENT=`, `BYTES_IN=`; a list is the field repeated.",
      ),
      heading("The connection record"),
      text("`event` is `connection`. What an engine cannot know is absent."),
      table(["Field", "Meaning"], list(FIELD_TEXTS)),
      heading("Reasons"),
      text("The field `reason` of records, and the label `reason` of metrics."),
      table(["Reason", "Meaning"], REASONS.map((reason) => [code(reason), REASON_TABLE[reason].meaning])),
      heading("Refused PROXY headers"),
      text("What can be wrong where the reason is `proxy-header`."),
      table(["Kind", "Meaning"], list(pick(PROXY_HEADER_REASON_TEXTS, PROXY_HEADER_REASONS))),
      heading("Events"),
      table(["Event", "Meaning, and fields"], list(EVENTS)),
      heading("The metrics record"),
      text("One for each listener and one for the process, every `log.metrics-interval`."),
      table(["Field", "Meaning"], list(pick(METRIC_FIELD_TEXTS, listMetricFields()))),
    ],
  };
}

/** Writes a default. `null` means that the key must be given; words are not set as code. */
function defaultText(value: string | null): string {
  if (value === null) return "none, required";
  return /^["[\d]|^(true|false)$/.test(value) ? code(value) : value;
}

/**
 * Picks the texts of names that the code has, in the code's order.
 * @throws {TypeError} where a name has no text yet
 */
function pick(texts: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => {
    if (!Object.hasOwn(texts, name)) {
      throw new TypeError(`Cannot document "${name}": no text in scripts/reference/texts.ts`);
    }
    return [name, texts[name]];
  }));
}

function capital(sentence: string): string {
  return sentence[0].toUpperCase() + sentence.slice(1);
}

/** Sets values that are in quotes as code. */
function codeQuotes(sentence: string): string {
  return sentence.replace(/"[^"]*"/g, (quoted) => code(quoted));
}
