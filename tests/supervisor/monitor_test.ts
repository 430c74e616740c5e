import assert from "node:assert/strict";
import type { LogConfig, LogLevel } from "../../src/config/config.ts";
import { createLogger } from "../../src/log/log.ts";
import { metricFamilies } from "../../src/metrics/metric_families.ts";
import { Monitor } from "../../src/supervisor/monitor.ts";
import { type Entry, WorkerMonitor } from "../../src/log/worker_monitor.ts";
import { formatPrometheus } from "../../src/metrics/prometheus.ts";
import type { ConnectionRecord } from "../../src/metrics/record.ts";
import { LISTENER } from "../../src/metrics/rows.ts";
import { REASONS } from "../../src/metrics/reasons.ts";
import { clientsStats, stats } from "../../src/admin/stats.ts";
import { MemoryOutput } from "../log/memory_output.ts";
import { recordOf } from "../metrics/record_of.ts";
import { until } from "../support/wait.ts";

const LOG: LogConfig = {
  level: "info",
  format: "json",
  access: true,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};
const LISTENERS = [
  { name: "web", backends: ["unix:/a", "tcp:b"], routes: [] },
  { name: 'od"d\n', backends: ["tcp:b"], routes: [] },
];

function setUp() {
  const stderr = new MemoryOutput();
  const log = createLogger(LOG, { stderr, terminal: false, environment: () => undefined });
  const monitor = new Monitor({ log, version: "1.2.3", runtime: "test 1" });
  monitor.configure({
    log: LOG,
    admin: { listen: { transport: "unix", path: "/a" }, expose: false, topClients: 20 },
  });
  const worker = (index: number) => {
    const memory = monitor.allocate(index, LISTENERS, LOG);
    return new WorkerMonitor(structuredClone(memory), (entries) => monitor.receive(structuredClone(entries)));
  };
  const lines = async () => {
    await log.close();
    return stderr.lines.map((line) => JSON.parse(line));
  };
  return { monitor, worker, lines };
}

/** The sum of a metric's samples that have these labels. */
function sum(text: string, name: string, labels: Record<string, string> = {}): number {
  let total = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(name + "{") && !line.startsWith(name + " ")) continue;
    if (Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))) {
      total += Number(line.slice(line.lastIndexOf(" ") + 1));
    }
  }
  return total;
}

const text = (monitor: Monitor) => formatPrometheus(metricFamilies(monitor, 20));

Deno.test("Monitor's counters equal the sum of the connection records, over workers and their ends", async () => {
  const { monitor, worker, lines } = setUp();
  const seen = { opened: 0, bytesIn: 0, bytesOut: 0 };
  for (let generation = 0; generation < 3; generation++) {
    const workerMonitors = [worker(0), worker(1)];
    for (let i = 0; i < 500; i++) {
      const monitor = workerMonitors[i % 2];
      const telemetry = monitor.telemetry("web");
      const client = `192.0.2.${i % 7}`;
      telemetry.opened(client);
      telemetry.handshakeDone(i % 3 ? "TLSv1.3" : undefined, i % 3 ? i % 2 === 0 : undefined, 0.7);
      telemetry.backendConnected("unix:/a", 0.05);
      telemetry.bytesIn(client, i);
      telemetry.bytesOut(client, 2 * i);
      seen.opened++;
      seen.bytesIn += i;
      seen.bytesOut += 2 * i;
      // One connection of each worker and generation never ends: its worker dies.
      if (i >= 2) telemetry.closed(recordOf({ client, worker: i % 2, bytes_in: i, bytes_out: 2 * i, duration_ms: i }));
    }
    assert.equal(sum(await text(monitor), "tls_off_connections_active"), 2);
    for (const workerMonitor of workerMonitors) {
      workerMonitor.flush();
      monitor.release(workerMonitor.memory.id);
    }
    assert.equal(sum(await text(monitor), "tls_off_connections_active"), 0);
  }
  const metrics = await text(monitor);
  assert.equal(sum(metrics, "tls_off_connections_total", { listener: "web" }), seen.opened);
  assert.equal(sum(metrics, "tls_off_connections_total", { worker: "1" }), seen.opened / 2);
  assert.equal(sum(metrics, "tls_off_bytes_total", { direction: "in" }), seen.bytesIn);
  assert.equal(sum(metrics, "tls_off_client_bytes_total", { direction: "out" }), seen.bytesOut);
  assert.equal(sum(metrics, "tls_off_client_connections_active"), 0);
  assert.equal(sum(metrics, "tls_off_handshake_duration_seconds_count"), 1500);
  assert.equal(sum(metrics, "tls_off_handshakes_total", { result: "ok", version: "unknown" }), 501);
  assert.equal(sum(metrics, "tls_off_backend_connect_duration_seconds_count", { backend: "unix:/a" }), 1500);
  const records: (ConnectionRecord & { event: string })[] = await lines();
  assert.equal(records.length, seen.opened - 6);
  assert.ok(records.every(({ event }) => event === "connection"));
  assert.equal(sum(metrics, "tls_off_connections_closed_total", { reason: "client-closed" }), records.length);
  // The six that never ended moved 0 or 1 bytes.
  assert.equal(records.reduce((sum, { bytes_in }) => sum + bytes_in, 0), seen.bytesIn - 3);
});

Deno.test("formatPrometheus() has every metric of the contract, and escapes labels", async () => {
  const { monitor, worker } = setUp();
  monitor.engines = new Map([["web", "native"], ["api", "node"]]);
  monitor.certificates = [
    { listener: "web", name: "a.example", notAfterMs: 2_000_000_000_000 },
    { listener: "web", name: "a.example", notAfterMs: 1_900_000_000_000 },
  ];
  monitor.reloads.failed++;
  const telemetry = worker(0).telemetry('od"d\n');
  telemetry.rejected("limit", "::1");
  telemetry.handshakeFailed("handshake-timeout");
  telemetry.backendFailed("tcp:b", "refused");
  telemetry.backendFailed("tcp:b", "something new");
  telemetry.opened("::1");
  const metrics = await text(monitor);
  const names = [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const expected = [
    "tls_off_connections_total counter",
    "tls_off_connections_active gauge",
    "tls_off_connections_rejected_total counter",
    "tls_off_handshakes_total counter",
    "tls_off_handshake_duration_seconds histogram",
    "tls_off_bytes_total counter",
    "tls_off_connection_duration_seconds histogram",
    "tls_off_backend_connect_duration_seconds histogram",
    "tls_off_backend_errors_total counter",
    "tls_off_client_bytes_total counter",
    "tls_off_client_connections_active gauge",
    "tls_off_certificate_expiry_timestamp_seconds gauge",
    "tls_off_reloads_total counter",
    "tls_off_build_info gauge",
    "process_cpu_seconds_total counter",
    "process_resident_memory_bytes gauge",
  ];
  for (const name of expected) assert.ok(names.includes(name), name);
  assert.equal(sum(metrics, "tls_off_connections_rejected_total", { listener: 'od\\"d\\n', reason: "limit" }), 1);
  assert.equal(sum(metrics, "tls_off_handshakes_total", { result: "handshake-timeout" }), 1);
  assert.equal(sum(metrics, "tls_off_backend_errors_total", { backend: "tcp:b", reason: "other" }), 1);
  assert.equal(sum(metrics, "tls_off_certificate_expiry_timestamp_seconds", { name: "a.example" }), 1_900_000_000);
  assert.equal(sum(metrics, "tls_off_build_info", { version: "1.2.3", runtime: "test 1" }), 2);
  assert.match(metrics, /^tls_off_connections_rejected_total\{listener="web",reason="limit"\} 0$/m);
});

Deno.test("EntryLog limits records of connections turned away, and says how many and why", async () => {
  const { monitor, worker, lines } = setUp();
  const workerMonitor = worker(0);
  const telemetry = workerMonitor.telemetry("web");
  const count = 5_000;
  for (let i = 0; i < count; i++) {
    telemetry.opened("203.0.113.9");
    const reason = i % 2 ? "handshake-failed" : "client-reset";
    telemetry.closed(recordOf({ handshake_ms: undefined, reason, client: "203.0.113.9", error: "bad record" }));
  }
  telemetry.rejected("limit", "203.0.113.9");
  telemetry.opened("192.0.2.1");
  telemetry.closed(recordOf({}));
  workerMonitor.flush();
  monitor.stop();
  const records = await lines();
  const failed = records.filter(({ event, reason }) => event === "connection" && reason !== "client-closed");
  assert.ok(failed.length >= 50 && failed.length < 300, `${failed.length} records`);
  assert.equal(failed[0].client, "203.0.113.9");
  assert.equal(failed[0].error, "bad record");
  const [said] = records.filter(({ event }) => event === "suppressed");
  assert.equal(said.count + failed.length, count + 1);
  assert.equal(said.handshake_failed + said.client_reset + said.limit, said.count);
  assert.equal(monitor.entries.suppressed, said.count);
  assert.equal(records.filter(({ reason }) => reason === "client-closed").length, 1);
});

Deno.test("WorkerMonitor posts in batches, after a while or when there are many, and log records keep their time", async () => {
  const { monitor } = setUp();
  const batches: Entry[][] = [];
  const workerMonitor = new WorkerMonitor(monitor.allocate(3, LISTENERS, LOG), (entries) => batches.push(entries));
  const telemetry = workerMonitor.telemetry("web");
  for (let i = 0; i < 300; i++) {
    telemetry.opened("a");
    telemetry.closed(recordOf({}));
  }
  assert.equal(batches.length, 1);
  workerMonitor.log.debug("below the level");
  workerMonitor.log.warn("odd", { event: "full", error: new Error("cannot be cloned"), big: 1n });
  await until(() => batches.length === 2, "the rest is posted");
  const last = batches[1].at(-1)!;
  assert.ok(last.kind === "log" && Math.abs(last.atMs - Date.now()) < 5_000);
  assert.deepEqual(last.kind === "log" && last.fields, { event: "full", error: "cannot be cloned", big: "1" });
  assert.equal(batches[1].length, 300 - 256 + 1);
  workerMonitor.flush();
  assert.equal(batches.length, 2);
});

Deno.test("WorkerMonitor without access logging still tells failures", () => {
  const { monitor } = setUp();
  const entries: Entry[] = [];
  const memory = monitor.allocate(0, LISTENERS, { ...LOG, access: false });
  const workerMonitor = new WorkerMonitor(memory, (batch) => entries.push(...batch));
  const telemetry = workerMonitor.telemetry("web");
  for (const reason of REASONS) {
    telemetry.opened("a");
    telemetry.closed(recordOf({ reason, handshake_ms: reason.startsWith("handshake") ? undefined : 1 }));
  }
  workerMonitor.flush();
  assert.deepEqual(entries.map((entry) => entry.kind === "connection" && entry.record.reason), [
    "handshake-timeout",
    "handshake-failed",
    "client-auth",
    "no-route",
    "proxy-header",
    "backend-unreachable",
    "limit",
    "per-client-limit",
    "handshake-rate",
    "backend-reset",
    "backend-error",
  ]);
});

Deno.test("WorkerMonitor makes no record that the level would drop", () => {
  const { monitor } = setUp();
  const told = (level: LogLevel) => {
    const entries: Entry[] = [];
    const workerMonitor = new WorkerMonitor(
      monitor.allocate(0, LISTENERS, { ...LOG, level }),
      (batch) => entries.push(...batch),
    );
    const telemetry = workerMonitor.telemetry("web");
    for (const reason of REASONS) {
      telemetry.opened("a");
      telemetry.closed(recordOf({ reason }));
    }
    telemetry.rejected("limit", "a");
    workerMonitor.flush();
    return entries.map((entry) => entry.kind === "connection" ? entry.record.reason : entry.kind);
  };
  assert.deepEqual(told("info"), [...REASONS, "rejected"]);
  assert.deepEqual(told("warn"), ["backend-unreachable", "backend-reset", "backend-error"]);
  assert.deepEqual(told("error"), []);
});

Deno.test("Monitor stays bounded when each reload brings new listeners", async () => {
  const { monitor } = setUp();
  let opened = 0;
  for (let i = 0; i < 2_000; i++) {
    const memory = monitor.allocate(0, [{ name: `listener${i}`, backends: [`unix:/${i}`], routes: [] }], LOG);
    const telemetry = new WorkerMonitor(memory, () => {}).telemetry(`listener${i}`);
    telemetry.opened("a");
    telemetry.backendFailed(`unix:/${i}`, "refused");
    opened++;
    monitor.release(memory.id);
  }
  const totals = monitor.counters.totals();
  assert.ok(totals.length <= 257, `${totals.length} listeners`);
  const metrics = await text(monitor);
  assert.equal(sum(metrics, "tls_off_connections_total"), opened);
  assert.equal(sum(metrics, "tls_off_backend_errors_total"), opened);
  assert.ok(sum(metrics, "tls_off_connections_total", { listener: "(removed)" }) > 1_000);
});

Deno.test("stats() and clientsStats() tell the same numbers, with rates and the last seconds", () => {
  const { monitor, worker } = setUp();
  const telemetry = worker(0).telemetry("web");
  telemetry.opened("");
  telemetry.opened("192.0.2.1");
  monitor.tick(0);
  telemetry.bytesIn("", 100);
  telemetry.bytesOut("192.0.2.1", 5000);
  telemetry.handshakeDone("TLSv1.3", false, 2);
  telemetry.backendConnected("tcp:b", 1);
  monitor.tick(1000);
  const { listeners, now, history } = stats(monitor, { draining: false, history: true });
  assert.equal(listeners[0].bytesOut, 5000);
  assert.equal(listeners[0].active, 2);
  assert.deepEqual(listeners[0].handshakes, { "full TLSv1.3": 1 });
  assert.equal(listeners[0].backends[1].connects, 1);
  assert.equal(now?.out, 5000);
  assert.equal(history?.length, 1);
  assert.ok(now!.handshakeP99! > 0.001 && now!.handshakeP99! <= 0.003);
  const { clients, known } = clientsStats(monitor, 1, "bytes");
  assert.equal(known, 2);
  assert.equal(clients.length, 1);
  assert.equal(clients[0].client, "192.0.2.1");
  assert.equal(clients[0].out1s, 5000);
  assert.equal(clientsStats(monitor, 9, "rate").clients[1].client, "unix");
});

Deno.test("Monitor counts what a route takes under its name, and in its listener's sums, also after the worker has ended", async () => {
  const { monitor } = setUp();
  const shapes = [{ name: "web", backends: ["unix:/a"], routes: [{ name: "api", backends: ["unix:/b"] }] }];
  const memory = monitor.allocate(0, shapes, LOG);
  const workerMonitor = new WorkerMonitor(structuredClone(memory), () => {});
  const own = workerMonitor.telemetry("web");
  const api = workerMonitor.telemetry("web", "api");
  for (let count = 0; count < 5; count++) own.opened("a");
  own.bytesIn("a", 7);
  own.closed(recordOf({ reason: "idle" }));
  for (let count = 0; count < 3; count++) api.routed();
  api.bytesIn("a", 100);
  api.bytesOut("a", 200);
  api.backendConnected("unix:/b", 1);
  api.closed(recordOf({ reason: "idle" }));
  const check = async (active: { own: number; api: number }) => {
    const metrics = await text(monitor);
    const of = (name: string, route: string) => sum(metrics, `tls_off_${name}`, { listener: "web", route });
    assert.deepEqual([of("connections_active", ""), of("connections_active", "api")], [active.own, active.api]);
    assert.deepEqual([of("bytes_total", ""), of("bytes_total", "api")], [7, 300]);
    assert.deepEqual([of("connections_closed_total", ""), of("connections_closed_total", "api")], [1, 1]);
    assert.equal(of("backend_connect_duration_seconds_count", "api"), 1);
    const [{ row, routes }] = monitor.counters.totals();
    assert.deepEqual([row[LISTENER.bytesIn], row[LISTENER.bytesOut], row[LISTENER.closed]], [107, 200, 2]);
    assert.deepEqual(routes.map(({ name }) => name), ["api"]);
  };
  await check({ own: 1, api: 2 });
  monitor.release(memory.id);
  await check({ own: 0, api: 0 });
});
