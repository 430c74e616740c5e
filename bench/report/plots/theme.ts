/** Colours that can be read on a white and on a dark page, and those that have to change between them. */
export const COLORS = {
  ours: "#2f81f7",
  oursToo: "#8957e5",
  peer: "#8b949e",
  floor: "#3fb950",
  barest: "#bf8700",
  http: "#3fb950",
  https: "#db6d28",
  ink: "#1f2328",
  faint: "#59636e",
  rule: "#d1d9e0",
} as const;

/** The colour of a contender. */
export function colorOf(name: string, kind: string): string {
  if (kind === "floor") return COLORS.floor;
  if (kind === "barest") return COLORS.barest;
  if (kind === "peer") return COLORS.peer;
  return name.includes("bun") ? COLORS.oursToo : COLORS.ours;
}

/** The colours of text and lines on a dark page. */
const DARK: Record<string, string> = {
  [COLORS.ink]: "#f0f6fc",
  [COLORS.faint]: "#9198a1",
  [COLORS.rule]: "#3d444d",
};

/**
 * Powers of ten and their threefolds between two values, for the ticks of a logarithmic axis. Zeros have no place on
 * it.
 */
export function logTicks(all: number[]): number[] {
  const values = all.filter((value) => value > 0);
  if (values.length === 0) return [];
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
    .flatMap((power) => [power, 3 * power]).slice(0, -1);
}

/** A style sheet for an SVG, which overrides its attributes on a dark page alone. */
export function darkStyle(): string {
  const rules = Object.entries(DARK).map(([light, dark]) =>
    `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`
  );
  return `<style>@media (prefers-color-scheme:dark){${rules.join("")}}</style>`;
}

const FONT = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif";

/** Vega-Lite's configuration for every plot. */
export const THEME = {
  background: "transparent",
  font: FONT,
  view: { stroke: null },
  axis: {
    labelColor: COLORS.faint,
    titleColor: COLORS.faint,
    titleFontWeight: "normal",
    labelFontSize: 11,
    titleFontSize: 11,
    gridColor: COLORS.rule,
    domain: false,
    ticks: false,
    labelPadding: 6,
  },
  title: { color: COLORS.ink, fontSize: 13, anchor: "start", fontWeight: 600, subtitleColor: COLORS.faint, offset: 10 },
  legend: { labelColor: COLORS.ink, titleColor: COLORS.faint, labelFontSize: 12, symbolType: "circle", orient: "top" },
  text: { color: COLORS.ink, fontSize: 11 },
} as const;
