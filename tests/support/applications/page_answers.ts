/** Answers of the admin endpoint that are made up, for tests of how the live page shows them. */
import type { ClientsStats, ListenerStats, Stats } from "../../../src/admin/stats.ts";
import type { HistoryPoint } from "../../../src/metrics/history.ts";

const DAY_MS = 86_400_000;
const REASONS = ["handshake-failed", "client-auth", "no-route", "limit", "per-client-limit"];

/**
 * Makes the answers of `/stats?history` and `/clients`, with long names.
 * @param rows how many rows each table has
 */
export function pageAnswers(rows: number): { stats: Stats; clients: ClientsStats } {
  const timeMs = Date.now();
  const count = (_: unknown, i: number) => i;
  const each = Array.from({ length: rows }, count);
  const history = Array.from({ length: 300 }, count).map((i): HistoryPoint => ({
    timeMs: timeMs - (300 - i) * 1000,
    in: 4e6 * (1 + 0.2 * Math.sin(i / 7)),
    out: 12e6 * (1 + 0.2 * Math.cos(i / 9)),
    opened: 120 + 30 * Math.sin(i / 5),
    active: 1200 + i,
    handshakeP50: i > 296 ? null : 0.0015,
    handshakeP99: i > 296 ? null : 0.03 * (1.5 + Math.sin(i / 11)),
    connectP50: 0.00002,
    connectP99: i % 40 === 0 ? 12 : 0.004,
    errors: i % 9 === 0 ? 3 : 0,
  }));
  const stats: Stats = {
    version: "1.2.3",
    runtime: "deno 2.9.6",
    timeMs,
    startedMs: timeMs - 3 * DAY_MS,
    draining: false,
    orderly: ["client-closed"],
    listeners: each.map(listener),
    certificates: each.map((i) => ({
      listener: `listener-${i}`,
      name: `a-rather-long-name-of-a-host-${i}.department.example.org`,
      notAfterMs: timeMs + (i - 1) * DAY_MS,
    })),
    acme: each.map((i) => ({
      name: `a-rather-long-name-of-a-host-${i}.department.example.org`,
      names: [],
      hasCertificate: i % 2 === 0,
      nextAttemptMs: timeMs + i * 3_600_000,
      lastError: i % 3 === 0 ? "urn:ietf:params:acme:error:rateLimited: too many certificates already issued" : "",
    })),
    reloads: { ok: 1, failed: 0 },
    workerRestarts: 0,
    log: { dropped: 0, diverted: 0, suppressed: 0 },
    process: { cpuSeconds: 12, residentBytes: 1e8, heapBytes: 2e7 },
    now: history.at(-1)!,
    history,
  };
  const clients = each.map((i) => ({
    client: i % 2 === 0 ? `198.51.100.${i}` : `2001:db8:1234:5678:9abc:def0:1234:${i.toString(16)}`,
    ...{ active: i, opened: 10 * i, bytesIn: 1e9 + i, bytesOut: 3e9 + i, error: 0 },
    ...{ in1s: 1e5 * i, in10s: 1e5 * i, in60s: 1e5 * i, out1s: 3e5 * i, out10s: 3e5 * i, out60s: 3e5 * i },
  }));
  const others = { bytesIn: 0, bytesOut: 0, opened: 0 };
  return { stats, clients: { timeMs, known: rows, bound: rows === 0 ? 0 : 1e6, others, clients } };
}

function listener(i: number): ListenerStats {
  const name = `listener-${i}-with-a-name-that-is-longer-than-most`;
  const traffic = { opened: 123_456 + i, active: 1234 + i, bytesIn: 123e9, bytesOut: 456e9 };
  return {
    ...traffic,
    name,
    engine: "native",
    acceptPauses: 0,
    superseded: i,
    rejected: i === 0 ? {} : { [REASONS[i % REASONS.length]]: 123_456 + i },
    ended: i === 0 ? { "handshake-failed": 1_234_567 } : {},
    handshakes: { "full TLSv1.3": 100_000, "resumed TLSv1.3": 23_456 },
    handshakesFailed: {},
    handshakeSeconds: { p50: 0.00123, p99: 0.0456 },
    connectionSeconds: { p50: 1, p99: 100 },
    backends: [{
      route: `route-${i}-of-several`,
      name: `unix:/run/an-application-with-a-long-name/instance-${i}/http.sock`,
      up: i !== 7,
      connects: 123_456,
      connectSeconds: { p50: 0.000123, p99: 0.00456 },
      errors: i % 3 === 1 ? { refused: 12_345 + i, timeout: 6 } : {},
    }],
    routes: [{ ...traffic, name: `route-${i}-of-several`, ended: {} }],
    workers: [{ ...traffic, worker: i }],
  };
}
