import type { Histogram } from "./buckets.ts";

/** The values of labels by their names. */
export type Labels = Record<string, string>;

/** One metric with its values now. */
export type MetricFamily =
  & { name: string; help: string }
  & (
    | { type: "counter" | "gauge"; samples: Sample[] }
    | { type: "histogram"; samples: { labels: Labels; histogram: Histogram }[] }
  );

/** One value of a metric. */
export interface Sample {
  labels: Labels;
  value: number;
}

const PREFIX = "tls_off_";

export function counter(name: string, help: string, samples: Sample[]): MetricFamily {
  return { name: PREFIX + name, help, type: "counter", samples };
}

export function gauge(name: string, help: string, samples: Sample[]): MetricFamily {
  return { name: PREFIX + name, help, type: "gauge", samples };
}

export function histogram(
  name: string,
  help: string,
  samples: { labels: Labels; histogram: Histogram }[],
): MetricFamily {
  return { name: PREFIX + name, help, type: "histogram", samples };
}

export function one(value: number): Sample[] {
  return [{ labels: {}, value }];
}
