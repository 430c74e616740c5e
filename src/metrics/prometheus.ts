import type { MetricFamily } from "./metric_family.ts";

/** The content type that goes with {@linkcode formatPrometheus}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A sample as `prom-client` takes it. */
interface Sample {
  labels: Record<string, string | number>;
  value: number;
  metricName?: string;
}

/**
 * Writes metrics in Prometheus' text format. The registry of `prom-client` does the writing. The values are given to
 * it, because its own counters and histograms cannot be set from shared memory.
 */
export async function formatPrometheus(families: MetricFamily[]): Promise<string> {
  // Loaded when it is first needed, because loading it takes 50 to 100 ms.
  const { Registry } = await import("./prom_client.ts");
  const registry = new Registry();
  for (const family of families) {
    const { name, help, type } = family;
    const values = family.type === "histogram" ? histogramSamples(family) : family.samples;
    const metric = { name, help, type, aggregator: "sum", values };
    registry.registerMetric({ ...metric, get: () => Promise.resolve(metric) } as never);
  }
  return await registry.metrics();
}

function histogramSamples({ name, samples }: MetricFamily & { type: "histogram" }): Sample[] {
  const values: Sample[] = [];
  for (const { labels, histogram } of samples) {
    let count = 0;
    for (let i = 0; i < histogram.counts.length; i++) {
      count += histogram.counts[i];
      const le = i < histogram.bounds.length ? histogram.bounds[i] : "+Inf";
      values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels, value: histogram.sum });
    values.push({ metricName: `${name}_count`, labels, value: count });
  }
  return values;
}
