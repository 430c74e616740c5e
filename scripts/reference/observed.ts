import type { AdminConfig, LogConfig } from "../../src/config/config.ts";
import { routes } from "../../src/admin/routes.ts";
import type { Fields } from "../../src/log/fields.ts";
import { createLogger } from "../../src/log/log.ts";
import { metricFamilies } from "../../src/metrics/metric_families.ts";
import type { MetricFamily } from "../../src/metrics/metric_family.ts";
import { MetricsLog } from "../../src/log/metrics_log.ts";
import { Monitor } from "../../src/supervisor/monitor.ts";
import { WorkerMonitor } from "../../src/log/worker_monitor.ts";
import { readProcessStats } from "../../src/metrics/process_stats.ts";

const LOG: LogConfig = {
  level: "error",
  format: "json",
  access: false,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};
const ADMIN: AdminConfig = { listen: { transport: "unix", path: "/admin" }, expose: false, topClients: 20 };

/** One metric as the reference describes it. */
export interface MetricDescription {
  name: string;
  type: MetricFamily["type"];
  labels: string[];
  help: string;
}

/** Lists every metric with its labels, which it asks of a monitor that has seen one of everything. */
export function describeMetrics(): MetricDescription[] {
  const monitor = sampleMonitor();
  return metricFamilies(monitor, 20).map(({ name, type, help, samples }) => {
    const labels = new Set((samples as { labels: object }[]).flatMap(({ labels }) => Object.keys(labels)));
    return { name, type, labels: [...labels], help };
  });
}

/** Lists the fields of the records of `log.metrics-interval`, except for those that each record has. */
export function listMetricFields(): string[] {
  const names = new Set<string>();
  const info = (_message: string, fields: Fields = {}) => Object.keys(fields).forEach((name) => names.add(name));
  const log = new MetricsLog({ debug: info, info, warn: info, error: info, enabled: () => true });
  const { counters } = sampleMonitor();
  const stats = readProcessStats(() => ({ open: 1, limit: 2 }));
  log.write(counters.totals(), stats, 0);
  log.write(counters.totals(), stats, 1000);
  return [...names].filter((name) => name !== "event" && name !== "listener");
}

/** Lists the requests that the admin endpoint answers. */
export function listRoutes(): string[] {
  const control = {
    unready: () => Promise.resolve(null),
    draining: () => false,
    reload: () => Promise.resolve(true),
    drain() {},
  };
  return [...routes(sampleMonitor(), control, ADMIN)].map(([path, { method }]) => `${method} ${path}`);
}

/** Makes a monitor that has seen one of everything. */
function sampleMonitor(): Monitor {
  const log = createLogger(LOG, { terminal: false, environment: () => undefined });
  const monitor = new Monitor({ log, version: "0.0.0", runtime: "deno 0" });
  monitor.configure({ log: LOG, admin: ADMIN });
  const memory = monitor.allocate(0, [{
    name: "web",
    backends: ["unix:/run/app.sock"],
    routes: [{ name: "api", backends: ["unix:/run/api.sock"] }],
  }], LOG);
  const telemetry = new WorkerMonitor(memory, () => {}).telemetry("web");
  telemetry.opened("192.0.2.1");
  telemetry.handshakeDone("TLSv1.3", false, 1);
  telemetry.backendConnected("unix:/run/app.sock", 1);
  telemetry.backendFailed("unix:/run/app.sock", "refused");
  telemetry.bytesIn("192.0.2.1", 1);
  telemetry.bytesOut("192.0.2.1", 1);
  monitor.openFiles = () => ({ open: 1, limit: 2 });
  monitor.engines = new Map([["web", "native"]]);
  monitor.revocationLists = [{ listener: "web", issuer: "CN=ca", nextUpdateMs: 0, entries: 0 }];
  monitor.certificates = [{ listener: "web", name: "a.example", notAfterMs: 0 }];
  monitor.acme = {
    statuses: [{ name: "a.example", names: ["a.example"], nextAttemptMs: 0, lastError: "", hasCertificate: true }],
    orders: { ok: 1, failed: 0 },
  };
  monitor.redirect.answers.set(308, 1);
  return monitor;
}
