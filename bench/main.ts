import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startFileBackend } from "./backends/files.ts";
import { article } from "./experiments/article.ts";
import { handshakes } from "./experiments/handshakes.ts";
import { idleMemory, startUp } from "./experiments/memory.ts";
import { reload } from "./experiments/reload.ts";
import { atHalfLoad, keepAlive, upload } from "./experiments/throughput.ts";
import { Lab } from "./lab.ts";
import { loadGenerator } from "./load/load.ts";
import { describeCommit, describeMachine, describeVersions } from "./machine.ts";
import { measureCrypto } from "./measure/crypto.ts";
import { HELP, parseOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { Fleet } from "./proxies.ts";
import { runSteps } from "./progress.ts";
import { renderReport } from "./report/report.ts";
import { writeResults } from "./report/write.ts";
import type { Results } from "./results.ts";
import { select } from "./selection.ts";
import { findProgram } from "./tools.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** The settings as the machine allows them, and what that changed. */
function fitSettings({ settings }: Options, connectionLimit: number): string[] {
  const fitting = [...new Set(settings.idleCounts.map((count) => Math.min(count, connectionLimit)))];
  const changed = fitting.join() === settings.idleCounts.join() ? [] : [
    `Idle connections: ${fitting.join(", ")} instead of ${settings.idleCounts.join(", ")}, for the descriptor limit`,
  ];
  settings.idleCounts = fitting;
  return changed;
}

async function bench(options: Options): Promise<Results> {
  const { settings } = options;
  const source = resolve(options.source ?? HERE);
  const { contenders, wants, missing } = select(options, source);
  for (const line of missing) console.error(line);

  await using lab = await Lab.open();
  const notes = fitSettings(options, lab.connectionLimit);
  for (const line of notes) console.error(line);
  const machine = await describeMachine();
  const versions = await describeVersions({
    ...Object.fromEntries(contenders.map(({ name, version }) => [name, version])),
    ...{ openssl: ["openssl", "version"], wrk: ["wrk", "-v"], node: ["node", "--version"] },
  });

  const connections = Math.max(settings.connections, ...settings.idleCounts) + 100;
  const backend = await startFileBackend(lab, [...new Set([10, ...settings.sizes])], connections);
  const fleet = new Fleet(lab, { backend: backend.path, connections: settings.connections + 100 });
  const crypto = await measureCrypto(lab);
  const context = { lab, fleet, backend, contenders, settings, crypto };
  const ours = contenders.filter((contender) => contender.kind === "ours");
  const all = wants("peers", "runtimes");
  const steps = [
    ...(wants("article") && findProgram("node") ? article(lab, ours.slice(0, 1), settings.article) : []),
    // Half load is set from the keep-alive runs.
    ...(all || wants("throughput", "latency") ? keepAlive(context) : []),
    ...(all || wants("throughput") ? upload(context) : []),
    ...(all || wants("latency") ? atHalfLoad(context) : []),
    ...(all || wants("handshakes") ? handshakes(context) : []),
    ...(all || wants("memory") ? [...idleMemory(context), ...startUp(context)] : []),
    ...(wants("reload") ? reload(context) : []),
  ];
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  const { samples, failures } = await runSteps(steps);
  return {
    ...{ date, commit: await describeCommit(source), mode: options.full ? "full" : "quick", machine, versions },
    ...{ settings, generator: loadGenerator(), pinned: lab.cpus.pinned, crypto, notes: [...missing, ...notes] },
    contenders: contenders.map(({ name, kind }) => ({ name, kind })),
    ...{ samples, failures },
  };
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (!findProgram("openssl")) {
    console.error("Cannot bench without openssl: sudo apt-get install openssl");
    return 1;
  }
  const results = await bench(options);
  const folder = resolve(options.out ?? join(HERE, "bench", "out", results.date.replace(/\W/g, "-")));
  await writeResults(results, folder);
  console.log(options.json ? JSON.stringify(results, null, 1) : renderReport(results, { plots: false }));
  console.error(`Results: ${folder}`);
  return results.samples.length ? 0 : 1;
}

Deno.exit(await main());
