import { parseArgs } from "node:util";
import { FULL, QUICK } from "./settings.ts";
import type { Settings } from "./settings.ts";

export const EXPERIMENTS = [
  "article",
  "peers",
  "runtimes",
  "throughput",
  "connections",
  "workers",
  "handshakes",
  "memory",
  "latency",
  "reload",
  "variants",
] as const;
export type Experiment = typeof EXPERIMENTS[number];

export interface Options {
  help: boolean;
  full: boolean;
  json: boolean;
  only: Experiment[] | null;
  /** Names of contenders; null: the experiment's own. */
  contenders: string[] | null;
  /** Folder of the sources that `tls-off` is run from. */
  source: string | null;
  /** Folder for the results. */
  out: string | null;
  /** Folder of the Debian installation that peers run in; `null`: this one. */
  peers: string | null;
  /** Folder of a run to go on with. */
  resume: string | null;
  /** Begin no round after so many minutes. */
  minutes: number | null;
  /** Folders with results to report on instead of measuring. */
  from: string[];
  settings: Settings;
}

export const HELP = `Measures tls-off against its peers, on each runtime, and by the article's experiment.

deno task bench [options]

  --quick                a few minutes; the default
  --full                 more rounds, sizes and connections; hours
  --only LIST            of ${EXPERIMENTS.join(", ")};
                         peers is throughput, connections, handshakes, memory and latency together;
                         variants is what metrics, logs and a PROXY header cost
  --contenders LIST      of hitch, haproxy, nginx, stunnel, floor, barest:deno, barest:bun, barest:deno-node,
                         tls-off[:RUNTIME[-ENGINE]][+OPTION][@DIRECTORY]
  --peers DIRECTORY      take hitch, HAProxy, nginx from the Debian installation there, by chroot; as root
  --source DIRECTORY     where tls-off without @DIRECTORY is run from; default: this checkout
  --sizes LIST           bytes of the bodies
  --rounds N             how often each is measured, interleaved with the others
  --window MS            measured stretch of each run
  --connections LIST     the load generator's connections: the first for all parts, others where
                         connections are compared
  --duration MS          of each run of the article's experiment
  --apps LIST            what runs the application there: of node, deno, bun
  --idle LIST            connection counts that memory is measured at
  --out DIRECTORY        for the results; default: bench/out/DATE
  --minutes N            begin no round after that; --resume goes on
  --resume DIRECTORY     go on with the run that left its figures there; of other options only --minutes
  --from LIST            measure nothing: make the report again, of the results in these folders together
  --json                 print the results as JSON
  --help`;

function parseNumber(text: string, option: string, least: number): number {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`Cannot read --${option} "${text}": expected a whole number from ${least}`);
  }
  return value;
}

function parseList(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

function parseNumbers(text: string, option: string, least: number): number[] {
  return [...new Set(parseList(text).map((item) => parseNumber(item, option, least)))].sort((a, b) => a - b);
}

/**
 * Reads the command line.
 *
 * @throws {RangeError} If a value is not allowed.
 * @throws {TypeError} If there is no such option.
 */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      quick: { type: "boolean" },
      full: { type: "boolean" },
      json: { type: "boolean" },
      only: { type: "string" },
      contenders: { type: "string" },
      source: { type: "string" },
      peers: { type: "string" },
      resume: { type: "string" },
      minutes: { type: "string" },
      sizes: { type: "string" },
      rounds: { type: "string" },
      window: { type: "string" },
      connections: { type: "string" },
      idle: { type: "string" },
      duration: { type: "string" },
      apps: { type: "string" },
      out: { type: "string" },
      from: { type: "string" },
    },
  });
  if (values.quick && values.full) throw new RangeError("Cannot be both --quick and --full");
  const only = values.only === undefined ? null : parseList(values.only).map((name) => {
    const experiment = EXPERIMENTS.find((known) => known === name);
    if (!experiment) throw new RangeError(`Cannot run --only "${name}": expected ${EXPERIMENTS.join(", ")}`);
    return experiment;
  });
  const settings = structuredClone(values.full ? FULL : QUICK);
  if (values.sizes) {
    settings.sizes = settings.halfLoadSizes = settings.article.sizes = parseNumbers(values.sizes, "sizes", 1);
    settings.connectionSizes = settings.sizes.filter((size) => size <= 10_000);
    // With small bodies both directions give the same figures.
    settings.uploadSizes = settings.sizes.filter((size) => size >= 10_000);
  }
  if (values.rounds) {
    settings.rounds = settings.idleRounds = settings.article.rounds = parseNumber(values.rounds, "rounds", 1);
  }
  if (values.window) settings.windowMs = parseNumber(values.window, "window", 100);
  if (values.connections) {
    const [first, ...others] = parseList(values.connections).map((item) => parseNumber(item, "connections", 1));
    settings.connections = first;
    if (others.length > 0) settings.connectionCounts = others;
  }
  if (values.idle) settings.idleCounts = parseNumbers(values.idle, "idle", 1);
  if (values.duration) settings.article.durationMs = parseNumber(values.duration, "duration", 1000);
  if (values.apps) {
    settings.article.runtimes = parseList(values.apps).map((name) => {
      const runtime = FULL.article.runtimes.find((known) => known === name);
      if (!runtime) throw new RangeError(`Cannot run --apps "${name}": expected ${FULL.article.runtimes.join(", ")}`);
      return runtime;
    });
  }
  if (values.resume !== undefined) {
    const other = args.find((arg) => /^--(?!resume\b|minutes\b|json\b)/.test(arg));
    if (other) throw new RangeError(`Cannot take ${other} with --resume: the run goes on as it began`);
  }
  return {
    help: values.help ?? false,
    full: values.full ?? false,
    json: values.json ?? false,
    only,
    contenders: values.contenders === undefined ? null : parseList(values.contenders),
    source: values.source ?? null,
    out: values.out ?? null,
    peers: values.peers ?? null,
    resume: values.resume ?? null,
    minutes: values.minutes === undefined ? null : parseNumber(values.minutes, "minutes", 1),
    from: parseList(values.from ?? ""),
    settings,
  };
}
