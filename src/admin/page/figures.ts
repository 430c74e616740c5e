/// <reference lib="dom" />
import type { Stats } from "../stats.ts";
import { formatBytes, formatNumber, formatSeconds } from "../units.ts";
import { make } from "./dom.ts";

const FIGURES: { title: string; color?: string; show: (stats: Stats) => string }[] = [
  { title: "In", color: "in", show: ({ now }) => `${formatBytes(now?.in ?? 0)}/s` },
  { title: "Out", color: "out", show: ({ now }) => `${formatBytes(now?.out ?? 0)}/s` },
  {
    title: "Active connections",
    show: ({ listeners }) => formatNumber(listeners.reduce((sum, { active }) => sum + active, 0)),
  },
  { title: "New connections", show: ({ now }) => `${formatNumber(now?.opened ?? 0)}/s` },
  { title: "Handshake p99", show: ({ now }) => formatSeconds(now?.handshakeP99 ?? null) },
  { title: "Failed, turned away", show: ({ now }) => `${formatNumber(now?.errors ?? 0)}/s` },
];

/** Makes the row of large numbers at the top. */
export function makeFigures(parent: HTMLElement): { update(stats: Stats): void } {
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
    update(stats) {
      FIGURES.forEach(({ show }, i) => values[i].textContent = show(stats));
    },
  };
}
