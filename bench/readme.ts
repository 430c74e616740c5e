/**
 * `deno task bench:readme DIRECTORY`: writes the first screen's figures of README.md, from the `results.json` of a
 * bench that is kept below `bench/results/`.
 */
import { PEERS } from "./contenders/mod.ts";
import { headlineColumns } from "./report/headline.ts";
import { formatFigure, formatPercent, formatRatio, markdownTable } from "./report/format.ts";
import { bestPeer, computeCell } from "./report/tables.ts";
import type { Results } from "./figures/results.ts";

const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";
const ROOT = new URL("../", import.meta.url).pathname;

/** The section in Markdown. */
export function renderReadmeSection(results: Results, folder: string): string {
  const { samples, date, machine, versions } = results;
  const contenders = [["tls-off", "tls-off on Deno"], ["tls-off:bun", "tls-off on Bun"]];
  const rows = headlineColumns(samples).flatMap((column) => {
    const peer = bestPeer(samples, column, PEERS);
    if (peer === null) return [];
    const figure = (name: string) => {
      const cell = computeCell(samples, { ...column, absolute: false }, name, peer);
      if (cell === null) return "–";
      const spread = cell.summary.count > 1 ? ` ±${formatPercent(cell.summary.spread)}` : "";
      const value = `${formatFigure(cell.summary.median * (column.scale ?? 1))}${spread}`;
      return cell.ratio === null ? value : `${value} (${cell.ratio.noise ? "≈" : ""}${formatRatio(cell.ratio.median)})`;
    };
    return [[column.title, ...contenders.map(([name]) => figure(name)), `${figure(peer)} ${peer}`]];
  });
  const named = [["tls-off", "Deno"], ["tls-off:bun", "Bun"], ["hitch", "hitch"], ["haproxy", "HAProxy"], [
    "nginx",
    "nginx",
  ]];
  const programs = named.flatMap(([name, title]) => {
    const [version, library] = (versions[name] ?? "").split("; TLS: ");
    const number = /\d+\.\d[\d.]*/.exec(version)?.[0];
    return number ? [`${title} ${number}${library?.startsWith("OpenSSL") ? ` (${library})` : ""}`] : [];
  }).join(", ");
  return [
    `![CPU per request of tls-off and its peers](${folder}/cpu.svg)`,
    markdownTable(["one worker", ...contenders.map(([, title]) => title), "best of hitch, HAProxy, nginx"], rows),
    `CPU and p99 in µs, with half of the interquartile range, in brackets the ratio to the best peer; ≈ where the rounds do ` +
    `not agree who is better. Measured ${date.slice(0, 10)} on ${machine.cpus} CPUs, ${machine.cpu}: ${programs}. ` +
    `[The report](${folder}/report.md) has all of it, and [bench/README.md](bench/README.md) the method.`,
  ].join("\n\n");
}

/** README.md with the section in its place. */
export function replaceReadmeSection(readme: string, section: string): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new SyntaxError(`Cannot update README.md: no ${BEGIN} and ${END} in it`);
  return `${readme.slice(0, from)}${BEGIN}\n\n${section}\n\n${readme.slice(to)}`;
}

if (import.meta.main) {
  const [folder] = Deno.args;
  if (folder === undefined || folder.startsWith("/")) {
    console.error("bench:readme: Missing argument: a folder such as bench/results/reference");
    Deno.exit(2);
  }
  const results: Results = JSON.parse(await Deno.readTextFile(`${ROOT}${folder}/results.json`));
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  await Deno.writeTextFile(`${ROOT}README.md`, replaceReadmeSection(readme, renderReadmeSection(results, folder)));
}
