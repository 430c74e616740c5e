/// <reference lib="dom" />
import uPlot from "uplot";
import type { HistoryPoint } from "../../metrics/history.ts";
import { formatBytes, formatNumber, formatSeconds } from "../units.ts";
import { color, make } from "./dom.ts";

/** One chart, whose lines show numbers of each second. */
interface ChartSpec {
  title: string;
  format: (value: number) => string;
  /** For latencies, which span several decades. */
  logarithmic?: boolean;
  lines: {
    label: string;
    color: string;
    of: (point: HistoryPoint) => number | null;
    fill?: boolean;
    dash?: number[];
  }[];
}

const CHARTS: ChartSpec[] = [
  {
    title: "Throughput",
    format: (value) => `${formatBytes(value)}/s`,
    lines: [
      { label: "in", color: "in", of: (point) => point.in, fill: true },
      { label: "out", color: "out", of: (point) => point.out, fill: true },
    ],
  },
  {
    title: "Connections each second",
    format: (value) => `${formatNumber(value)}/s`,
    lines: [
      { label: "new", color: "third", of: (point) => point.opened, fill: true },
      { label: "failed or turned away", color: "bad", of: (point) => point.errors },
    ],
  },
  {
    title: "Active connections",
    format: formatNumber,
    lines: [{ label: "active", color: "in", of: (point) => point.active, fill: true }],
  },
  {
    title: "Latency",
    format: formatSeconds,
    logarithmic: true,
    lines: [
      { label: "handshake p50", color: "third", of: (point) => point.handshakeP50 },
      { label: "handshake p99", color: "third", of: (point) => point.handshakeP99, dash: [4, 3] },
      { label: "connect p50", color: "fourth", of: (point) => point.connectP50 },
      { label: "connect p99", color: "fourth", of: (point) => point.connectP99, dash: [4, 3] },
    ],
  },
];

const HEIGHT = 170;
/** As many labels as the height has room for. */
const MAX_DECADES = 5;
/** Half the width of a label such as `22:30:30`, in CSS pixels. */
const HALF_CLOCK = 28;
/** How many seconds are shown at most and at least. */
const SPAN = 300;
const SHORTEST_SPAN = 60;

/** Makes the charts. `update` shows points, the newest at the right. */
export function makeCharts(parent: HTMLElement): { update(points: HistoryPoint[]): void } {
  const charts = CHARTS.map((spec) => ({ spec, plot: makeChart(spec, parent) }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const { plot } of charts) plot.redraw(false, true);
  });
  return {
    update(points) {
      const times = points.map(({ timeMs }) => timeMs / 1000);
      for (const { spec, plot } of charts) {
        plot.setData([times, ...spec.lines.map(({ of }) => points.map(of))]);
        // The first row of the legend is the time.
        const rows = [...plot.root.querySelectorAll(".u-series")].slice(1);
        spec.lines.forEach(({ of }, i) => rows[i].classList.toggle("stale", lastValue(points, of).isStale));
      }
    },
  };
}

function makeChart(spec: ChartSpec, parent: HTMLElement): uPlot {
  const place = make("div", { className: "chart" });
  parent.append(make("div", { className: "panel" }, make("h2", {}, spec.title), place));
  const stroke = () => color("quiet");
  const ticks = { show: false };
  const grid = { stroke: () => color("line"), width: 1 };
  // Only whole decades of a logarithmic axis have a line and a label: every second one where they are many.
  const filter: uPlot.Axis.Filter = (plot, splits) => {
    if (!spec.logarithmic) return splits;
    const step = Math.ceil(Math.log10(plot.scales.y.max! / plot.scales.y.min!) / MAX_DECADES);
    return splits.map((value) => Number.isInteger(round(Math.log10(value) / step)) ? value : null);
  };
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      // All charts share one crosshair.
      cursor: { sync: { key: "time" }, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: timeRange },
        y: spec.logarithmic ? { distr: 3, range: latencyRange } : { range: (_plot, _min, max) => [0, niceTop(max)] },
      },
      // The marks of the legend are pieces of the lines. The style sheet makes them flat.
      legend: {
        markers: {
          width: 2,
          fill: "transparent",
          dash: (plot, series) => plot.series[series].dash ? "dashed" : "solid",
        },
      },
      axes: [
        { stroke, ticks, grid, size: 30, space: 70, values: clocks },
        {
          stroke,
          ticks,
          grid: { ...grid, filter },
          filter,
          size: 72,
          space: 34,
          values: (_plot, splits) => splits.map((value) => value === null ? "" : spec.format(value)),
        },
      ],
      series: [
        { label: "time", value: (_plot, value) => value === null ? "now" : clock(value) },
        ...spec.lines.map((line): uPlot.Series => ({
          label: line.label,
          stroke: () => color(line.color),
          fill: line.fill ? () => `${color(line.color)}1c` : undefined,
          width: 1.5,
          dash: line.dash,
          // A second without a handshake has no latency. A single second that has one shows as a dot.
          spanGaps: false,
          points: { show: spec.logarithmic ?? false, size: 3, filter: isolated },
          value: (plot, value, series, index) =>
            shown(spec, index === null ? lastValue(plot.data[series] ?? [], (value) => value).value : value),
        })),
      ],
    },
    [[], ...spec.lines.map(() => [])],
    place,
  );
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  return plot;
}

/** The points that no line goes to: those between two seconds without a value. Dots on a dashed line would make it a solid one. */
function isolated(plot: uPlot, series: number): number[] {
  const values = plot.data[series];
  const lacks = (i: number) => values[i] === null || values[i] === undefined;
  return [...values.keys()].filter((i) => !lacks(i) && lacks(i - 1) && lacks(i + 1));
}

/** The newest value there is, and whether it is older than the newest point: a second without handshakes has none. */
export function lastValue<Point>(
  points: ArrayLike<Point>,
  of: (point: Point) => number | null | undefined,
): { value: number | null; isStale: boolean } {
  for (let i = points.length - 1; i >= 0; i--) {
    const value = of(points[i]) ?? null;
    if (value !== null) return { value, isStale: i < points.length - 1 };
  }
  return { value: null, isStale: false };
}

function shown(spec: ChartSpec, value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : spec.format(value);
}

/** Shows the time that has points, and at least a minute, so that the chart of a young proxy is not nearly empty. */
function timeRange(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  const end = max ?? 0;
  return [Math.max(end - SPAN, Math.min(min ?? end, end - SHORTEST_SPAN)), end];
}

function niceTop(max: number | null): number {
  return max === null || max <= 0 ? 1 : max * 1.1;
}

function latencyRange(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  const floor = 10 ** Math.floor(Math.log10(min && min > 0 ? min : 1e-4));
  const top = 10 ** Math.ceil(Math.log10(max && max > 0 ? max : 1e-1));
  return [floor, top > floor ? top : floor * 10];
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** The labels of the time axis. One at an end would run into the labels of the other axis, or out of the chart. */
function clocks(plot: uPlot, splits: number[]): string[] {
  const { left, width } = plot.bbox;
  const room = HALF_CLOCK * devicePixelRatio;
  return splits.map((seconds) => {
    const at = plot.valToPos(seconds, "x", true) - left;
    return at < room || at > width - room ? "" : clock(seconds);
  });
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}
