/// <reference lib="dom" />
/** The live page. It requests the numbers each second, and shows them. */
import type { HistoryPoint } from "../../metrics/history.ts";
import type { ClientOrder, ClientsStats, Stats } from "../stats.ts";
import { formatSeconds } from "../units.ts";
import { makeCharts } from "./charts.ts";
import { byId } from "./dom.ts";
import { makeFigures } from "./figures.ts";
import { makeTables } from "./overview.ts";

const PERIOD_MS = 1_000;
/** How long an answer may take. After that the request is given up, and the next one is sent. */
const PATIENCE_MS = 5_000;
/** How many points are kept: as many as the proxy keeps. */
const KEPT = 300;

/** How many clients are asked for: some more than are shown, so that each column sorts something. */
const USUAL_CLIENTS = 100;
const ALL_CLIENTS = 1_000;

const about = byId("about");
const state = byId("state");
const figures = makeFigures(byId("figures"));
const charts = makeCharts(byId("charts"));
let order: ClientOrder = "rate";
let clientsAsked = USUAL_CLIENTS;
const tables = makeTables(byId("tables"), {
  reorder: (by) => order = by,
  expand: (all) => clientsAsked = all ? ALL_CLIENTS : USUAL_CLIENTS,
});

let points: HistoryPoint[] = [];
let before: Stats | null = null;

async function ask<Answer>(path: string): Promise<Answer> {
  // The path is relative, so that the page also works below a prefix.
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return await response.json();
}

async function update(): Promise<void> {
  const missed = points.length === 0 || Date.now() - (before?.timeMs ?? 0) > 2.5 * PERIOD_MS;
  const [stats, clients] = await Promise.all([
    ask<Stats>(missed ? "stats?history" : "stats"),
    ask<ClientsStats>(`clients?top=${clientsAsked}&order=${order}`),
  ]);
  if (stats.history) points = stats.history;
  else if (stats.now && stats.now.timeMs !== points.at(-1)?.timeMs) points = [...points, stats.now].slice(-KEPT);
  about.textContent = `${stats.version} on ${stats.runtime}, up ${
    formatSeconds((stats.timeMs - stats.startedMs) / 1000)
  }`;
  show(stats.draining ? "draining" : "serving");
  figures.update(stats, points);
  charts.update(points);
  tables.update(stats, before, clients);
  before = stats;
}

function show(what: "serving" | "draining" | "lost", detail = ""): void {
  state.dataset.state = what;
  state.textContent = what === "lost" ? `no answer${detail}` : what;
}

async function run(): Promise<void> {
  for (;;) {
    if (!document.hidden) {
      try {
        await update();
      } catch {
        show("lost", before ? ` since ${new Date(before.timeMs).toTimeString().slice(0, 8)}` : "");
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  }
}

run();
