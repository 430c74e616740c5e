import type { Contender } from "./contenders/contender.ts";
import { BAREST, BAREST_NODE, BINARIES, contenderByName, PEERS, RUNTIMES, VARIANTS } from "./contenders/mod.ts";
import type { Places } from "./contenders/mod.ts";
import type { Experiment, Options } from "./options.ts";
import { describeMissing, findProgram, isOlder } from "./lab/tools.ts";
import type { Need } from "./lab/tools.ts";

/** What will be measured, and what can't be. */
export interface Selection {
  contenders: Contender[];
  wants(...experiments: Experiment[]): boolean;
  /** Lines that name what is missing and how to get it, and what is out of date. */
  notes: string[];
}

const TOOLS: Need[] = [
  { command: "wrk", packages: ["wrk"], without: "a generator of our own takes its place, at a third of its speed" },
  { command: "taskset", packages: ["util-linux"], without: "nothing is pinned to a CPU, figures are rough" },
  { command: "nginx", packages: ["nginx"], without: "a slower application of our own stands behind the proxies" },
  { command: "node", packages: ["nodejs"], without: "the article's experiment is left out" },
];

/** The binaries of this machine's architecture that were built: what people download. */
function builtBinaries(places: Places): string[] {
  return BINARIES.filter((name) => contenderByName(name, places).needs.every(({ command }) => findProgram(command)));
}

/**
 * Without `--contenders`: which contenders take part in the experiments that were asked for. The quick bench has the
 * runtimes only when they are asked for, or it would not be quick.
 */
function defaultNames({ full, only }: Options, wants: Selection["wants"], places: Places): string[] {
  const all = only === null;
  const runtimes = wants("runtimes") && (full || !all);
  const proxies = wants("peers", "throughput", "connections", "workers", "handshakes", "memory", "latency", "reload");
  const ours = ["tls-off", ...(proxies ? ["tls-off:bun", ...(full || !all ? builtBinaries(places) : [])] : [])];
  return [
    ...new Set([
      ...(proxies || runtimes ? ["floor", ...PEERS, ...(full ? ["stunnel"] : []), ...BAREST] : []),
      ...ours,
      ...(runtimes ? [...RUNTIMES, BAREST_NODE] : []),
      ...(wants("variants") && (full || !all) ? VARIANTS : []),
    ]),
  ];
}

/** What contenders need, each program once. */
function contenderNeeds(contenders: Contender[]): Need[] {
  const needs = new Map(contenders.flatMap(({ needs }) => needs.map((need) => [need.command, need])));
  return [...needs.values()].map(({ command, packages = [], hint = "" }) => {
    const names = contenders.filter(({ needs }) => needs.some((need) => need.command === command))
      .map(({ name }) => name);
    return { command, packages, without: `without ${names.join(", ")}${hint}` };
  });
}

/** Chooses the contenders that can run here. `source` is where ours are started from. */
export function select(options: Options, source: string): Selection {
  const wants = (...experiments: Experiment[]) =>
    options.only === null || options.only.some((only) => experiments.includes(only));
  const places = { source, peers: options.peers };
  const names = options.contenders ?? defaultNames(options, wants, places);
  const asked = names.map((name) => contenderByName(name, places));
  const contenders = asked.filter(({ needs }) => needs.every(({ command }) => findProgram(command)));
  const needs = [...TOOLS, ...contenderNeeds(asked.filter((contender) => !contenders.includes(contender)))];
  const stale = contenders.filter(({ made }) => made && isOlder(made.file, made.sources)).map(({ made }) => made?.file);
  return {
    contenders,
    wants,
    notes: [
      ...describeMissing(needs, (command) => findProgram(command) !== null),
      ...[...new Set(stale)].map((file) => `${file} is older than the sources: make it again`),
    ],
  };
}
