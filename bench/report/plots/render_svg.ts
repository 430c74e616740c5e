import { parse, resetSVGDefIds, View } from "vega";
import { compile } from "vega-lite";
import type { TopLevelSpec } from "vega-lite";
import { darkStyle, THEME } from "./theme.ts";

/** Draws a Vega-Lite specification in the bench's theme, without a browser. */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  // Their numbers go on over all drawings of a process. The same figures must give the same file.
  resetSVGDefIds();
  const view = new View(parse(compile({ padding: 12, ...spec, config: THEME }).spec), { renderer: "none" });
  try {
    const svg = await view.toSVG();
    return svg.replace(/<svg[^>]*>/, (tag) => tag + darkStyle()) + "\n";
  } finally {
    view.finalize();
  }
}
