/**
 * What idle TLS connections cost two workers in memory, beside peers in the same run: `deno run -A
 * tests/soak/idle_memory.ts [COUNT]` (9500: each takes two descriptors, of 20000).
 */
import { startFileBackend } from "../../bench/backends/files.ts";
import { contenderByName } from "../../bench/contenders/mod.ts";
import { Lab } from "../../bench/lab/lab.ts";
import { holdIdleConnections } from "../../bench/load/idle_connections.ts";
import { residentBytes } from "../../bench/measure/processes.ts";
import { startProxy } from "../../bench/contenders/proxies.ts";
import { pause } from "../support/wait.ts";

const count = Number(Deno.args[0] ?? 9500);
const source = new URL("../..", import.meta.url).pathname;

await using lab = await Lab.open();
const backend = await startFileBackend(lab, [10], count + 100);
for (const name of ["tls-off", "haproxy", "nginx"]) {
  const contender = contenderByName(name, { source, peers: null });
  const proxy = await startProxy(lab, contender, {
    key: "ecdsa",
    backend: backend.path,
    connections: count + 50,
    more: { workers: 2 },
  });
  try {
    await pause(500);
    const before = await residentBytes(proxy.pids);
    await using _connections = await holdIdleConnections(lab, proxy, count);
    await pause(2000);
    const after = await residentBytes(proxy.pids);
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    const each = ((after - before) / count / 1024).toFixed(1);
    console.log(
      `${name}: ${count} connections, ${each} KiB each, ${megabytes(before)} MB before, ${megabytes(after)} MB with`,
    );
  } finally {
    await proxy.process.stop();
  }
}
