import type { LogConfig } from "../../src/config/config.ts";
import { createLogger } from "../../src/observe/log.ts";
import { metricFamilies, type MetricFamily } from "../../src/observe/metric_families.ts";
import { Observatory } from "../../src/observe/observatory.ts";
import { Observer } from "../../src/observe/observer.ts";

const LOG: LogConfig = {
  level: "error",
  format: "json",
  access: false,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};

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

/** A proxy that has seen one of everything. */
export function sampleObservatory(): Observatory {
  const log = createLogger(LOG, { terminal: false, environment: () => undefined });
  const observatory = new Observatory({ log, version: "0.0.0", runtime: "deno 0" });
  observatory.watch(true);
  const grant = observatory.grant(0, [{ name: "web", backends: ["unix:/run/app.sock"] }], LOG);
  const telemetry = new Observer(grant, () => {}).telemetry("web");
  telemetry.opened("192.0.2.1");
  telemetry.handshakeDone("TLSv1.3", false, 1);
  telemetry.backendConnected("unix:/run/app.sock", 1);
  telemetry.backendFailed("unix:/run/app.sock", "refused");
  telemetry.bytesIn("192.0.2.1", 1);
  telemetry.bytesOut("192.0.2.1", 1);
  observatory.engines = new Map([["web", "native"]]);
  observatory.certificates = [{ listener: "web", name: "a.example", notAfterMs: 0 }];
  return observatory;
}
