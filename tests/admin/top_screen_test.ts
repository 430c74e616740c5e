import assert from "node:assert/strict";
import type { LogConfig } from "../../src/config/config.ts";
import { createLogger } from "../../src/log/log.ts";
import { Monitor } from "../../src/supervisor/monitor.ts";
import { WorkerMonitor } from "../../src/log/worker_monitor.ts";
import { clientsStats, stats } from "../../src/admin/stats.ts";
import { renderTop, type TopView } from "../../src/admin/top_screen.ts";
import { MemoryOutput } from "../log/memory_output.ts";
import { recordOf } from "../metrics/record_of.ts";

const LOG: LogConfig = {
  level: "info",
  format: "json",
  access: false,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};

/** A proxy with two workers and as many clients as told, which have moved something in the last second. */
function viewOf(clients: number, name = "web", routes: string[] = []): TopView {
  const log = createLogger(LOG, { stderr: new MemoryOutput(), environment: () => undefined });
  const monitor = new Monitor({ log, version: "1.2.3", runtime: "deno 1" });
  const admin = { listen: { transport: "unix" as const, path: "/a" }, expose: false, topClients: 20 };
  monitor.configure({ log: LOG, admin });
  monitor.certificates = [{ listener: name, name: "a.example", notAfterMs: Date.now() + 5.5 * 86_400_000 }];
  const shapes = [{ name, backends: ["unix:/app"], routes: routes.map((name) => ({ name, backends: [] })) }];
  const workers = [0, 1].map((worker) => new WorkerMonitor(monitor.allocate(worker, shapes, LOG), () => {}));
  monitor.tick(0);
  const before = { ...stats(monitor, { draining: false, history: false }), timeMs: Date.now() - 1000 };
  for (let i = 0; i < clients; i++) {
    const telemetry = workers[i % 2].telemetry(name);
    telemetry.opened(`192.0.2.${i}`);
    telemetry.bytesOut(`192.0.2.${i}`, 1000 * (i + 1));
  }
  const telemetry = workers[0].telemetry(name);
  telemetry.opened("203.0.113.1");
  telemetry.closed(recordOf({ reason: "handshake-failed", handshake_ms: undefined, client: "203.0.113.1" }));
  telemetry.backendFailed("unix:/app", "refused");
  monitor.tick(1000);
  for (const worker of workers) worker.flush();
  return {
    stats: stats(monitor, { draining: false, history: false }),
    before,
    clients: clientsStats(monitor, 200, "rate"),
    order: "rate",
    size: null,
    colors: false,
    help: null,
  };
}

Deno.test("renderTop() shows totals, listeners, workers, what is wrong, and clients by rate", () => {
  const lines = renderTop(viewOf(3));
  assert.match(lines[0], /^tls-off 1\.2\.3 on deno 1, up 0 µs, serving$|^tls-off 1\.2\.3 on deno 1, up \d/);
  assert.match(lines[1], /^in 0 B\/s {2}out 6 kB\/s {2}active 3 {2}new 4\/s {2}failed 1\/s/);
  assert.ok(lines.some((line) => /^web +3 +[\d.]+\/s +0 B\/s +[\d.]+ kB\/s/.test(line)), lines.join("\n"));
  assert.ok(lines.some((line) => /^1 +1 +[\d.]+\/s/.test(line)));
  assert.ok(lines.includes("web: certificate a.example expires in 5 days"));
  assert.ok(lines.includes("web: handshake-failed 1"));
  assert.ok(lines.includes("web: backend unix:/app: refused 1"));
  assert.deepEqual(lines.slice(-4).map((line) => line.split(" ")[0]), [
    "192.0.2.2",
    "192.0.2.1",
    "192.0.2.0",
    "203.0.113.1",
  ]);
});

Deno.test("renderTop() fits the terminal, its help line included", () => {
  for (const [columns, rows] of [[80, 24], [40, 10], [20, 3], [5, 3], [200, 60]]) {
    const lines = renderTop({ ...viewOf(100), size: { columns, rows }, help: "q quit" });
    assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
    assert.equal(lines.at(-1), "q quit".slice(0, columns));
    for (const line of lines) assert.ok([...line].length <= columns, line);
  }
});

Deno.test("renderTop() keeps the percentiles and both directions at 60 columns, also with a long name", () => {
  for (const name of ["web", "a-listener-with-a-name-that-is-far-too-long-for-this"]) {
    const lines = renderTop({ ...viewOf(3, name), size: { columns: 60, rows: 40 } });
    const at = lines.findIndex((line) => line.startsWith("LISTENER"));
    assert.match(lines[at], /ACTIVE .*IN +OUT .*P99$/);
    assert.match(lines[at + 1], name === "web" ? /^web +3 / : /^a-listener[^ ]*… +3 /);
    assert.ok(lines.slice(0, 4).join("\n").includes("handshake p99"), lines.join("\n"));
    assert.ok(lines.slice(0, 4).join("\n").includes("connect p99"));
    assert.ok(lines.some((line) => /^CLIENT .*OUT 10s .*OUT TOTAL$/.test(line)), lines.join("\n"));
  }
});

Deno.test("renderTop() has no escape sequence but its own colours", () => {
  const view = viewOf(1, "evil\x1b[2J\n");
  view.stats.certificates[0].name = "evil\x1b]0;title\x07";
  for (const line of renderTop(view)) {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line, /[\x00-\x1f\x7f]/);
  }
  // deno-lint-ignore no-control-regex
  assert.match(renderTop({ ...view, colors: true })[0], /\x1b\[32mserving\x1b\[0m/);
});

Deno.test("renderTop() shows routes where there are some", () => {
  const { stats } = viewOf(0, "web", ["api"]);
  const lines = renderTop({ ...viewOf(0, "web", ["api"]), stats, before: null });
  assert.ok(lines.some((line) => /^LISTENER +ROUTE +ACTIVE/.test(line)), lines.join("\n"));
  assert.ok(lines.some((line) => /^web +api +0 +-/.test(line)), lines.join("\n"));
  assert.ok(!renderTop(viewOf(0)).some((line) => line.includes("ROUTE")));
});

Deno.test("renderTop() tells what keeps a certificate from being ordered, and leaves one with few days in peace", () => {
  const view = viewOf(1);
  const nextAttemptMs = view.stats.timeMs + 120_000;
  const ordered = {
    name: "a.example",
    names: ["b.example", "a.example"],
    nextAttemptMs,
    lastError: "",
    hasCertificate: true,
  };
  view.stats.acme = [ordered];
  assert.ok(!renderTop(view).some((line) => line.includes("certificate a.example")));
  view.stats.acme = [{ ...ordered, lastError: "Cannot reach ca.example: \x1b[2J" }];
  assert.ok(
    renderTop(view).some((line) =>
      /^certificate a\.example: Cannot reach ca\.example: .*; next attempt in 2 min$/.test(line)
    ),
    renderTop(view).join("\n"),
  );
  assert.ok(renderTop(view).every((line) => !line.includes("\x1b")));
  view.stats.acme = [{ ...ordered, nextAttemptMs: 0, hasCertificate: false }];
  assert.ok(renderTop(view).includes("certificate a.example: an attempt is under way"));
});
