import type { Contender } from "./contenders/contender.ts";
import { contenderByName, RUNTIMES, VARIANTS } from "./contenders/mod.ts";
import type { Experiment, Options } from "./options.ts";
import { describeMissing, findProgram, isOlder } from "./tools.ts";
import type { Need } from "./tools.ts";

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

/** Without `--contenders`: who takes part in the experiments that were asked for. */
function defaultNames({ full, only }: Options, wants: Selection["wants"]): string[] {
  const peers = ["floor", "hitch", "haproxy", "nginx", ...(full ? ["stunnel"] : [])];
  const proxies = wants("peers", "runtimes", "throughput", "handshakes", "memory", "latency", "reload");
  return [
    ...(proxies ? peers : []),
    ...(wants("runtimes") ? RUNTIMES : ["tls-off", ...(proxies ? ["tls-off:bun"] : [])]),
    ...(wants("variants") && (full || only) ? VARIANTS : []),
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
  const asked = (options.contenders ?? defaultNames(options, wants)).map((name) => contenderByName(name, source));
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
