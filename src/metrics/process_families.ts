import { type MetricFamily, one } from "./metric_family.ts";
import { readProcessStats } from "./process_stats.ts";
import type { MetricSources } from "./sources.ts";

/** The metrics of the process, which have the names of Prometheus' client libraries, without the program's prefix. */
export function processFamilies({ startedMs, openFiles }: MetricSources): MetricFamily[] {
  const stats = readProcessStats(openFiles);
  const families: MetricFamily[] = [
    {
      name: "process_cpu_seconds_total",
      help: "User and system CPU time, all threads.",
      type: "counter",
      samples: one(stats.cpuSeconds),
    },
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory.",
      type: "gauge",
      samples: stats.residentBytes === undefined ? [] : one(stats.residentBytes),
    },
    {
      name: "process_start_time_seconds",
      help: "When the process started.",
      type: "gauge",
      samples: one(startedMs / 1000),
    },
  ];
  if (stats.openFds !== undefined) {
    families.push({ name: "process_open_fds", help: "Open descriptors.", type: "gauge", samples: one(stats.openFds) });
  }
  if (stats.maxFds !== undefined && Number.isFinite(stats.maxFds)) {
    families.push({
      name: "process_max_fds",
      help: "Limit of open descriptors.",
      type: "gauge",
      samples: one(stats.maxFds),
    });
  }
  return families;
}
