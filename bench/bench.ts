import { startFileBackend } from "./backends/files.ts";
import type { FileBackend } from "./backends/files.ts";
import { article } from "./experiments/article.ts";
import { handshakes } from "./experiments/handshakes.ts";
import { idleMemory, startUp } from "./experiments/memory.ts";
import { reload } from "./experiments/reload.ts";
import { atHalfLoad, keepAlive, upload } from "./experiments/throughput.ts";
import { variants } from "./experiments/variants.ts";
import { Lab } from "./lab.ts";
import { loadGenerator } from "./load/load.ts";
import { describeCommit, describeMachine, describeVersions } from "./machine.ts";
import { measureCrypto } from "./measure/crypto.ts";
import type { CryptoSpeed } from "./measure/crypto.ts";
import type { Options } from "./options.ts";
import { Fleet } from "./proxies.ts";
import { runSteps } from "./progress.ts";
import type { Results } from "./results.ts";
import type { Step } from "./sample.ts";
import { select } from "./selection.ts";
import type { Selection } from "./selection.ts";
import type { Settings } from "./settings.ts";
import { findProgram } from "./tools.ts";

export interface BenchOptions {
  /** Folder of the sources that `tls-off` is run from. */
  source: string;
  /** Ends the measuring; what was found until then is returned. */
  signal: AbortSignal;
  /** Called with what was found so far, after each run. */
  save(results: Results): Promise<void>;
}

/** Makes the settings fit the machine, and says what that changed. */
function fitSettings(settings: Settings, connectionLimit: number): string[] {
  const fitting = [...new Set(settings.idleCounts.map((count) => Math.min(count, connectionLimit)))];
  if (fitting.join() === settings.idleCounts.join()) return [];
  const note = `Idle connections: ${fitting.join(", ")} instead of ${settings.idleCounts.join(", ")}`;
  settings.idleCounts = fitting;
  return [`${note}, for the descriptor limit`];
}

/** Everything that will run, in its order. Reloads and variants are no part of the quick bench, or it would not be quick. */
function plan(
  { contenders: selected, wants }: Selection,
  { settings, full, only, contenders: asked }: Options,
  lab: Lab,
  backend: FileBackend,
  crypto: CryptoSpeed,
): Step[] {
  const fleet = new Fleet(lab, { backend: backend.path, connections: settings.connections + 100 });
  // Variants are compared with one another, unless they were named.
  const contenders = asked ? selected : selected.filter(({ kind }) => kind !== "variant");
  const context = { lab, fleet, backend, contenders, settings, crypto };
  const ours = contenders.filter((contender) => contender.kind === "ours");
  const all = wants("peers", "runtimes");
  // Its runs are long: peers take part where it is asked for alone, and they are named.
  const behind = asked && only?.join() === "article" ? contenders.filter(({ tls }) => tls) : ours.slice(0, 1);
  return [
    ...(wants("article") && findProgram("node") ? article(lab, behind, settings.article) : []),
    // Half load is set from the keep-alive runs.
    ...(all || wants("throughput", "latency") ? keepAlive(context) : []),
    ...(all || wants("throughput") ? upload(context) : []),
    ...(all || wants("latency") ? atHalfLoad(context) : []),
    ...(all || wants("handshakes") ? handshakes(context) : []),
    ...(all || wants("memory") ? [...idleMemory(context), ...startUp(context)] : []),
    ...(wants("reload") && (full || only) ? reload(context) : []),
    ...(wants("variants") && (full || only) ? variants({ ...context, contenders: selected }) : []),
  ];
}

/** Measures what the options ask for. */
export async function runBench(options: Options, { source, signal, save }: BenchOptions): Promise<Results> {
  const { settings, full } = options;
  const selection = select(options, source);
  const { contenders } = selection;

  await using lab = await Lab.open();
  signal.addEventListener("abort", () => lab.stopAll());
  const notes = [...selection.notes, ...fitSettings(settings, lab.connectionLimit)];
  for (const line of notes) console.error(line);
  const machine = await describeMachine();
  const versions = await describeVersions({
    ...Object.fromEntries(contenders.map(({ name, version }) => [name, version])),
    ...{ openssl: ["openssl", "version"], wrk: ["wrk", "-v"], node: ["node", "--version"] },
  });
  const connections = Math.max(settings.connections, ...settings.idleCounts) + 100;
  const backend = await startFileBackend(lab, [...new Set([10, ...settings.sizes])], connections);
  const crypto = await measureCrypto(lab);
  const about = {
    ...{ date: new Date().toISOString().slice(0, 16).replace("T", " "), commit: await describeCommit(source) },
    ...{ mode: full ? "full" as const : "quick" as const, machine, versions, settings, generator: loadGenerator() },
    ...{ pinned: lab.cpus.pinned, crypto, contenders: contenders.map(({ name, kind }) => ({ name, kind })) },
  };

  const steps = plan(selection, options, lab, backend, crypto);
  const findings = await runSteps(steps, { signal, onStep: (findings) => save({ ...about, notes, ...findings }) });
  if (signal.aborted) notes.push("Interrupted: not everything was measured");
  return { ...about, notes, ...findings };
}
