/// <reference lib="dom" />
import type { HistoryPoint } from "../../metrics/history.ts";
import type { Stats } from "../stats.ts";
import { formatBytes, formatNumber, formatSeconds } from "../units.ts";
import { lastValue } from "./charts.ts";
import { make } from "./dom.ts";

interface Figure {
  title: string;
  color?: string;
  show: (stats: Stats, points: HistoryPoint[]) => string;
  /** Whether what is shown is older than the last second. */
  isStale?: (points: HistoryPoint[]) => boolean;
}

const FIGURES: Figure[] = [
  { title: "In", color: "in", show: ({ now }) => `${formatBytes(now?.in ?? 0)}/s` },
  { title: "Out", color: "out", show: ({ now }) => `${formatBytes(now?.out ?? 0)}/s` },
  {
    title: "Active connections",
    show: ({ listeners }) => formatNumber(listeners.reduce((sum, { active }) => sum + active, 0)),
  },
  { title: "New connections", show: ({ now }) => `${formatNumber(now?.opened ?? 0)}/s` },
  {
    title: "Handshake p99",
    show: (_stats, points) => formatSeconds(handshakeP99(points).value),
    isStale: (points) => handshakeP99(points).isStale,
  },
  { title: "Failed, turned away", show: ({ now }) => `${formatNumber(now?.errors ?? 0)}/s` },
];

/** A second without a handshake has none: then the last one that there was. */
function handshakeP99(points: HistoryPoint[]) {
  return lastValue(points, (point) => point.handshakeP99);
}

/** Makes the row of large numbers at the top. */
export function makeFigures(parent: HTMLElement): { update(stats: Stats, points: HistoryPoint[]): void } {
  const values = FIGURES.map(({ title, color }) => {
    const value = make("b", { textContent: "–" });
    const label = make("span", {});
    if (color) {
      const mark = make("i");
      mark.style.background = `var(--${color})`;
      label.append(mark);
    }
    label.append(title);
    parent.append(make("div", { className: "figure" }, label, value));
    return value;
  });
  return {
    update(stats, points) {
      FIGURES.forEach(({ show, isStale }, i) => {
        values[i].textContent = show(stats, points);
        values[i].classList.toggle("stale", isStale?.(points) ?? false);
      });
    },
  };
}
