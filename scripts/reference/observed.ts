import type { AdminConfig, LogConfig } from "../../src/config/config.ts";
import { routes } from "../../src/observe/admin/routes.ts";
import type { Fields } from "../../src/observe/fields.ts";
import { createLogger } from "../../src/observe/log.ts";
import { metricFamilies, type MetricFamily } from "../../src/observe/metric_families.ts";
import { MetricsLog } from "../../src/observe/metrics_log.ts";
import { Observatory } from "../../src/observe/observatory.ts";
import { Observer } from "../../src/observe/observer.ts";
import { readProcessStats } from "../../src/observe/process_stats.ts";

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

/** One metric for a reader of the reference. */
export interface MetricDescription {
  name: string;
  type: MetricFamily["type"];
  labels: string[];
  help: string;
}

/** Every metric with its labels: asked of a proxy that has seen one of everything. */
export function describeMetrics(): MetricDescription[] {
  const observatory = sampleObservatory();
  return metricFamilies(observatory, 20).map(({ name, type, help, samples }) => {
    const labels = new Set((samples as { labels: object }[]).flatMap(({ labels }) => Object.keys(labels)));
    return { name, type, labels: [...labels], help };
  });
}

/** Every field of the records of `log.metrics-interval`, apart from those that each record has. */
export function listMetricFields(): string[] {
  const names = new Set<string>();
  const info = (_message: string, fields: Fields = {}) => Object.keys(fields).forEach((name) => names.add(name));
  const log = new MetricsLog({ debug: info, info, warn: info, error: info, enabled: () => true });
  const { ledger } = sampleObservatory();
  const stats = readProcessStats(() => ({ open: 1, limit: 2 }));
  log.write(ledger.totals(), stats, 0);
  log.write(ledger.totals(), stats, 1000);
  return [...names].filter((name) => name !== "event" && name !== "listener");
}

/** Every request that the admin endpoint answers. */
export function listRoutes(): string[] {
  const control = {
    unready: () => Promise.resolve(null),
    draining: () => false,
    reload: () => Promise.resolve(true),
    drain() {},
  };
  return [...routes(sampleObservatory(), control, ADMIN)].map(([path, { method }]) => `${method} ${path}`);
}

/** A proxy that has seen one of everything. */
function sampleObservatory(): Observatory {
  const log = createLogger(LOG, { terminal: false, environment: () => undefined });
  const observatory = new Observatory({ log, version: "0.0.0", runtime: "deno 0" });
  observatory.configure({ log: LOG, admin: ADMIN });
  const grant = observatory.grant(0, [{ name: "web", backends: ["unix:/run/app.sock"] }], LOG);
  const telemetry = new Observer(grant, () => {}).telemetry("web");
  telemetry.opened("192.0.2.1");
  telemetry.handshakeDone("TLSv1.3", false, 1);
  telemetry.backendConnected("unix:/run/app.sock", 1);
  telemetry.backendFailed("unix:/run/app.sock", "refused");
  telemetry.bytesIn("192.0.2.1", 1);
  telemetry.bytesOut("192.0.2.1", 1);
  observatory.openFiles = () => ({ open: 1, limit: 2 });
  observatory.engines = new Map([["web", "native"]]);
  observatory.certificates = [{ listener: "web", name: "a.example", notAfterMs: 0 }];
  return observatory;
}
