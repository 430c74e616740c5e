import { startFileBackend } from "./backends/files.ts";
import type { FileBackend } from "./backends/files.ts";
import { Fleet } from "./contenders/proxies.ts";
import { article } from "./experiments/article.ts";
import { handshakes } from "./experiments/handshakes.ts";
import { idleMemory, startUp } from "./experiments/memory.ts";
import { reload } from "./experiments/reload.ts";
import { atHalfLoad, byConnections, byWorkers, keepAlive, upload } from "./experiments/throughput.ts";
import { variants } from "./experiments/variants.ts";
import { Journal } from "./figures/journal.ts";
import type { Found } from "./figures/journal.ts";
import { runSteps } from "./figures/progress.ts";
import type { About, Results } from "./figures/results.ts";
import type { Step } from "./figures/sample.ts";
import { calibrate } from "./lab/calibration.ts";
import { Lab } from "./lab/lab.ts";
import { describeCommit, describeMachine, describeVersions } from "./lab/machine.ts";
import { findProgram } from "./lab/tools.ts";
import { sleep } from "./lab/wait.ts";
import { loadGenerator } from "./load/load.ts";
import { measureCrypto } from "./measure/crypto.ts";
import type { CryptoSpeed } from "./measure/crypto.ts";
import { untilIdle } from "./measure/window.ts";
import type { Options } from "./options.ts";
import { select } from "./selection.ts";
import type { Selection } from "./selection.ts";
import type { Settings } from "./settings.ts";

export interface BenchOptions {
  /** Folder of the sources that `tls-off` is run from. */
  source: string;
  /** Folder that each figure is kept in as it comes. */
  folder: string;
  /** The command line, for a run that goes on with this one. */
  args: string[];
  /** What this run goes on with. */
  found: Found | null;
  /** Ends the measuring; what was found until then is returned. */
  signal: AbortSignal;
}

/** How long a proxy may take to free what it has held, before the machine is looked at. */
const SETTLING_MS = 300;

/** Makes the settings fit the machine, and says what that changed. */
function fitSettings(settings: Settings, connectionLimit: number): string[] {
  const fit = (counts: number[]) => [...new Set(counts.map((count) => Math.min(count, connectionLimit)))];
  const notes: string[] = [];
  for (const [key, title] of [["idleCounts", "Idle"], ["connectionCounts", "Busy"]] as const) {
    const fitting = fit(settings[key]);
    if (fitting.join() === settings[key].join()) continue;
    notes.push(
      `${title} connections: ${fitting.join(", ")} instead of ${settings[key].join(", ")}, for the descriptor limit`,
    );
    settings[key] = fitting;
  }
  return notes;
}

/** How many connections a proxy must be able to hold at once. */
function mostConnections({ connections, connectionCounts, idleCounts }: Settings): number {
  return Math.max(connections, ...connectionCounts, ...idleCounts) + 100;
}

/** Everything that will run, in its order. What would make the quick bench slow is run where it is asked for. */
export function plan(
  { contenders: selected, wants }: Selection,
  { settings, full, only, contenders: asked }: Options,
  lab: Lab,
  backend: FileBackend,
  crypto: CryptoSpeed,
): Step[] {
  const fleet = new Fleet(lab, { backend: backend.path, connections: mostConnections(settings) });
  // Variants are compared with one another, unless they were named.
  const contenders = asked ? selected : selected.filter(({ kind }) => kind !== "variant");
  const context = { lab, fleet, backend, contenders, settings, crypto };
  const ours = contenders.filter((contender) => contender.kind === "ours");
  const all = wants("peers", "runtimes");
  // Its runs are long. Peers take part only where nothing else is asked for, and where they are named.
  const behind = asked && only?.join() === "article" ? contenders.filter(({ tls }) => tls) : ours.slice(0, 1);
  return [
    ...(wants("article") && findProgram("node") ? article(lab, behind, settings.article) : []),
    // Half load is set from the keep-alive runs.
    ...(all || wants("throughput", "latency") ? keepAlive(context) : []),
    ...(all || wants("throughput") ? upload(context) : []),
    ...(all || wants("connections") ? byConnections(context) : []),
    ...(all || wants("latency") ? atHalfLoad(context) : []),
    ...(all || wants("handshakes") ? handshakes(context) : []),
    ...(all || wants("memory") ? [...idleMemory(context), ...startUp(context)] : []),
    ...(wants("workers") && (full || only) ? byWorkers(context) : []),
    ...(wants("reload") && (full || only) ? reload(context) : []),
    ...(wants("variants") && (full || only) ? variants({ ...context, contenders: selected }) : []),
  ];
}

async function describe(
  { contenders, notes }: Pick<Selection, "contenders" | "notes">,
  { settings, full }: Options,
  lab: Lab,
  source: string,
): Promise<About> {
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    commit: await describeCommit(source),
    mode: full ? "full" : "quick",
    machine: await describeMachine(),
    versions: await describeVersions([
      ...contenders,
      ...[{ name: "openssl", version: ["openssl", "version"] }, { name: "wrk", version: ["wrk", "-v"] }],
      ...[{ name: "node", version: ["node", "--version"] }, { name: "application", version: ["nginx", "-v"] }],
    ]),
    settings,
    generator: loadGenerator(),
    pinned: lab.cpus.pinned,
    crypto: await measureCrypto(lab),
    notes,
    contenders: contenders.map(({ name, kind }) => ({ name, kind })),
  };
}

/** Measures what the options ask for, or the rest of it. */
export async function runBench(options: Options, bench: BenchOptions): Promise<Results> {
  const { source, folder, args, found, signal } = bench;
  const { settings } = options;
  const selection = select(options, source);
  await using lab = await Lab.open(options.peers);
  signal.addEventListener("abort", () => lab.stopAll());
  const notes = [...selection.notes, ...fitSettings(settings, lab.connectionLimit)];
  for (const line of notes) console.error(line);
  const journal = await Journal.open(folder);
  const about = found?.beginning.about ?? await describe({ ...selection, notes }, options, lab, source);
  if (found === null) await journal.add({ beginning: { args, about } });
  else {
    const commit = await describeCommit(source);
    if (commit !== about.commit) notes.push(`Begun at commit ${about.commit}, gone on with at ${commit}`);
  }
  const sizes = [...new Set([10, ...settings.sizes, ...settings.connectionSizes])];
  const backend = await startFileBackend(lab, sizes, mostConnections(settings));

  const calibrations = [...found?.calibrations ?? []];
  const endAt = options.minutes === null ? Infinity : performance.now() + options.minutes * 60_000;
  const steps = plan(selection, options, lab, backend, about.crypto);
  const findings = await runSteps(steps, {
    ...{ signal, enough: () => performance.now() >= endAt, found: found ?? undefined },
    onStep: (found) => journal.add(found),
    async onRound(round) {
      if (signal.aborted) return;
      // The contender that ran last may still be closing its connections.
      await untilIdle(backend);
      await sleep(SETTLING_MS);
      const calibration = await calibrate(lab, round);
      calibrations.push(calibration);
      await journal.add({ calibration });
    },
  });
  const missing = steps.length - findings.samples.length - findings.failures.length;
  const unfinished = missing > 0 ? [`Not everything was measured: ${missing} of ${steps.length} runs are missing`] : [];
  return { ...about, notes: [...new Set([...about.notes, ...notes, ...unfinished])], calibrations, ...findings };
}
