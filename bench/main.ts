import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startFileBackend } from "./backends/nginx_files.ts";
import { contenderByName } from "./contenders/mod.ts";
import { handshakes } from "./experiments/handshakes.ts";
import { idleMemory, startUp } from "./experiments/memory.ts";
import { atHalfLoad, keepAlive } from "./experiments/throughput.ts";
import { Lab } from "./lab.ts";
import { HELP, parseOptions } from "./options.ts";
import type { Experiment } from "./options.ts";
import { Fleet } from "./proxies.ts";
import { runSteps } from "./progress.ts";
import { peerTables } from "./report/peer_tables.ts";
import { renderTable } from "./report/tables.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const DEFAULT_CONTENDERS = ["floor", "hitch", "haproxy", "nginx", "tls-off"];

const options = parseOptions(Deno.args);
if (options.help) {
  console.log(HELP);
  Deno.exit(0);
}

const source = resolve(options.source ?? HERE);
const contenders = (options.contenders ?? DEFAULT_CONTENDERS).map((name) => contenderByName(name, source));
const { settings } = options;
const connections = Math.max(settings.connections, ...settings.idleCounts) + 100;

await using lab = await Lab.open();
const backend = await startFileBackend(lab, [...new Set([10, ...settings.sizes])], connections);
const fleet = new Fleet(lab, { backend: backend.path, connections: settings.connections + 100 });
const context = { lab, fleet, backend, contenders, settings };
const wants = (...names: Experiment[]) => options.only === null || options.only.some((only) => names.includes(only));
const steps = [
  ...(wants("peers", "throughput") ? keepAlive(context) : []),
  ...(wants("peers", "handshakes") ? handshakes(context) : []),
  ...(wants("peers", "memory") ? [...idleMemory(context), ...startUp(context)] : []),
  // Half load is set from the keep-alive runs.
  ...(wants("latency") && !wants("peers", "throughput") ? keepAlive(context) : []),
  ...(wants("peers", "latency") ? atHalfLoad(context) : []),
];
const { samples } = await runSteps(steps);
const names = contenders.map((contender) => contender.name);
const peers = contenders.filter((contender) => contender.kind === "peer").map((contender) => contender.name);
for (const table of peerTables(samples)) console.log(`\n${renderTable(samples, table, names, peers)}`);
