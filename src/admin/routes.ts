import type { AdminConfig } from "../config/config.ts";
import { metricFamilies } from "../metrics/metric_families.ts";
import { formatPrometheus, PROMETHEUS_TYPE } from "../metrics/prometheus.ts";
import { CLIENT_ORDERS, type ClientOrder, clientsStats, stats } from "./stats.ts";
import type { AdminControl, AdminSources } from "./control.ts";

/** The answer to a request. */
export interface Answer {
  status: number;
  body: string | Uint8Array;
  type?: string;
  headers?: Record<string, string>;
}

/** What is answered on one path. */
interface Route {
  /** GET includes HEAD. */
  method: "GET" | "POST";
  answer(query: URLSearchParams): Answer | Promise<Answer>;
}

const JSON_TYPE = "application/json; charset=utf-8";
/** How many clients an answer has by default, and at most. */
const DEFAULT_TOP = 20;
const MAX_TOP = 1_000;

/** The paths of the admin endpoint. */
export function routes(sources: AdminSources, control: AdminControl, config: AdminConfig): Map<string, Route> {
  const { log } = sources.options;
  return new Map<string, Route>([
    ["/", {
      method: "GET",
      async answer() {
        const { PAGE, PAGE_POLICY } = await import("./page/page_generated.ts");
        return {
          status: 200,
          body: PAGE,
          type: "text/html; charset=utf-8",
          headers: { "content-security-policy": PAGE_POLICY, "referrer-policy": "no-referrer" },
        };
      },
    }],
    ["/metrics", {
      method: "GET",
      answer: async () => ({
        status: 200,
        body: await formatPrometheus(metricFamilies(sources, config.topClients)),
        type: PROMETHEUS_TYPE,
      }),
    }],
    ["/stats", {
      method: "GET",
      answer: (query) => json(200, stats(sources, { draining: control.draining(), history: query.has("history") })),
    }],
    ["/clients", {
      method: "GET",
      answer(query) {
        const top = Number(query.get("top") ?? DEFAULT_TOP);
        const order = query.get("order") ?? "bytes";
        if (!Number.isInteger(top) || top < 1 || top > MAX_TOP) {
          return { status: 400, body: `refused: top must be a number from 1 to ${MAX_TOP}\n` };
        }
        if (!Object.hasOwn(CLIENT_ORDERS, order)) {
          return { status: 400, body: `refused: order must be one of ${Object.keys(CLIENT_ORDERS).join(", ")}\n` };
        }
        return json(200, clientsStats(sources, top, order as ClientOrder));
      },
    }],
    ["/healthz", { method: "GET", answer: () => ({ status: 200, body: "ok\n" }) }],
    ["/readyz", {
      method: "GET",
      async answer() {
        const reason = control.draining() ? "draining" : await control.unready();
        return reason === null ? { status: 200, body: "ready\n" } : { status: 503, body: `not ready: ${reason}\n` };
      },
    }],
    ["/reload", {
      method: "POST",
      async answer() {
        log.info("reload asked for", { event: "admin", path: "/reload" });
        // The problems may name key files, so they are in the log alone.
        return await control.reload()
          ? json(200, { reloaded: true })
          : json(500, { reloaded: false, error: "see the log; the old configuration goes on" });
      },
    }],
    ["/drain", {
      method: "POST",
      answer() {
        log.info("drain asked for", { event: "admin", path: "/drain" });
        control.drain();
        return json(202, { draining: true });
      },
    }],
  ]);
}

function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value) + "\n", type: JSON_TYPE };
}
