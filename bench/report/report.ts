import type { Results } from "../figures/results.ts";
import { articleSection } from "./article_section.ts";
import { barestSection } from "./barest_section.ts";
import { formatCount, formatFigure, formatSize } from "./format.ts";
import { headlineColumns } from "./headline.ts";
import { proxyTables } from "./proxy_tables.ts";
import type { ProxyTables } from "./proxy_tables.ts";
import { quietSection } from "./quiet_section.ts";
import { reloadSection } from "./reload_section.ts";
import { bestPeer, formatCellRatio, renderTable } from "./tables.ts";
import type { Column, Table, TableOptions } from "./tables.ts";

/** Names of the plots that a report shows, without `.svg`. */
export type PlotName = "article" | "article-response" | "cpu" | "latency" | "memory" | "runtimes";

interface ReportOptions {
  /** False where plots can't be shown. */
  plots: boolean;
}

/** Paragraphs with a blank line between them; empty ones are left out. */
function paragraphs(...parts: string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}

function section(title: string, ...parts: string[]): string {
  const body = paragraphs(...parts);
  return body && `## ${title}\n\n${body}`;
}

const HOW_TO_READ =
  `Each cell: median over the rounds, ± half of the interquartile range, ratio to the best peer (hitch,
HAProxy, nginx or stunnel) of that column. A ratio is the median of the ratios within each round, where both ran one right
after the other: the machine's drift cancels out. **≈** marks a ratio whose rounds do not agree on who is better: noise.`;

const FLOOR =
  `The floor is a plain relay (HAProxy without TLS) plus what \`openssl speed\` says that AES-256-GCM, X25519 and
the signature cost here; its rates and latencies are the relay's alone. It is a yardstick: a proxy that reads and writes
larger pieces than HAProxy's 16 KiB gets below it on large bodies.`;

const VARIANTS =
  `\`tls-off\` logs nothing here, and counts for nobody. \`+metrics\`: the admin endpoint listens, clients are told
apart. \`+access\`: a record of each connection, JSON in a file. \`+journal\`: the same to the journal. \`+proxy\`: a
PROXY header (version 2) for the application. \`+workers2\`: two workers, on the same one CPU.`;

function renderTables(results: Results, tables: Table[], options: TableOptions): string {
  return paragraphs(...tables.map((table) => renderTable(results.samples, table, options)));
}

function proxySections(results: Results, plot: (name: PlotName) => string): string[] {
  const { samples, contenders } = results;
  const tables = proxyTables(samples, results.settings.connections);
  const all = contenders.map(({ name }) => name);
  const ours = contenders.filter(({ kind }) => kind === "ours").map(({ name }) => name);
  const peers = contenders.filter(({ kind }) => kind === "peer").map(({ name }) => name);
  const againstPeers = { contenders: all, reference: (column: Column) => bestPeer(samples, column, peers) };
  const measured = tables.cost.length + tables.latency.length + tables.rest.length > 0;
  const hasFloor = contenders.some(({ kind }) => kind === "floor");
  const relative = [...tables.cost, ...tables.latency].map((table) => ({ ...table, title: `${table.title}, × floor` }));

  return [
    measured ? section("How to read the tables", HOW_TO_READ, hasFloor ? FLOOR : "") : "",
    section("What is ours, and what is the runtime's", barestSection(results, barestColumns(samples, tables))),
    section("What it costs", plot("cpu"), plot("memory"), renderTables(results, tables.cost, againstPeers)),
    section("How long an answer takes", plot("latency"), renderTables(results, tables.latency, againstPeers)),
    section("Rates and start", renderTables(results, tables.rest, againstPeers)),
    hasFloor
      ? section(
        "As multiples of the floor",
        renderTables(results, relative, {
          contenders: all.filter((name) => name !== "floor"),
          reference: () => "floor",
          format: formatCellRatio,
        }),
      )
      : "",
    ours.length > 1
      ? section(
        "Runtimes",
        plot("runtimes"),
        `Ratios here are against ${ours[0]}.`,
        renderTables(results, tables.cost, { contenders: ours, reference: () => ours[0] }),
      )
      : "",
  ];
}

/** What CPU costs, of all that was measured. */
function barestColumns(samples: Results["samples"], { cost }: ProxyTables): Column[] {
  const headline = headlineColumns(samples).filter(({ metric }) => metric.startsWith("cpu"));
  const known = new Set(headline.map(({ scenario, size }) => `${scenario} ${size}`));
  const others = cost.filter(({ title }) => title.startsWith("CPU µs")).flatMap(({ title, columns }) =>
    columns.filter(({ scenario, size }) => !known.has(`${scenario} ${size}`))
      .map((column) => ({ ...column, title: `${title}, ${column.title}` }))
  );
  return [
    ...headline,
    ...others.filter((column, index) =>
      others.findIndex(({ scenario, size }) => scenario === column.scenario && size === column.size) === index
    ),
  ];
}

const VARIANT_COLUMNS: Column[] = [
  { title: "per request, 10 B", scenario: "variants-keep-alive", size: 0, metric: "cpuUsPerRequest" },
  { title: "per new connection", scenario: "variants-connection", size: 0, metric: "cpuUsPerConnection" },
];

/** Ours beside ourselves with more turned on. */
function variantsSection({ samples, contenders }: Results): string {
  const names = contenders.map(({ name }) => name);
  const [plain] = contenders.filter(({ kind }) => kind === "ours");
  const table = { title: "CPU µs", columns: VARIANT_COLUMNS };
  const text = renderTable(samples, table, { contenders: names, reference: () => plain?.name ?? null });
  return text && paragraphs(VARIANTS, text);
}

function setUp({ machine, versions, settings, generator, pinned, crypto, notes, commit, mode }: Results): string {
  const lines = [
    `${machine.cpu}, ${machine.cpus} CPUs, ${machine.memoryGb} GB, ${machine.kernel}; descriptor limit ${
      formatCount(machine.descriptorLimit)
    }`,
    `tls-off ${commit ?? "(no commit)"}, ${mode} mode, generator: ${generator}${
      pinned ? "" : ", nothing pinned to CPUs"
    }`,
    `${settings.rounds} rounds of ${settings.windowMs} ms, ${settings.connections} connections; sizes ${
      settings.sizes.map(formatSize).join(", ")
    }`,
    `AES-256-GCM ${formatFigure(crypto.aesBytesPerSecond / 1e9)} GB/s, ECDSA P-256 signature ${
      formatFigure(crypto.ecdsaSignUs)
    } µs, RSA 2048 signature ${formatFigure(crypto.rsaSignUs)} µs, X25519 ${formatFigure(crypto.x25519Us)} µs`,
    ...Object.entries(versions).map(([name, version]) => `${name}: ${version}`),
    ...notes,
  ];
  return lines.map((line) => `- ${line}`).join("\n");
}

function noise(results: Results): string {
  const { failures, samples } = results;
  const errors = samples.filter(({ values }) => (values.errors ?? 0) > 0);
  return paragraphs(
    quietSection(results),
    "CPU time per request is the steadiest figure; rates depend on the generator's CPU as well, where the application runs " +
      "too unless there are three CPUs; p99 is the least steady.",
    errors.length
      ? `Runs in which the generator saw errors or late answers: ${
        errors.map(({ scenario, contender, size, round, values }) =>
          `${scenario} ${contender} ${formatSize(size)} round ${round} (${values.errors})`
        ).join(", ")
      }.`
      : "",
    failures.map(({ step, message }) => `- ${step.scenario} ${step.contender}: ${message.split("\n")[0]}`).join("\n"),
  );
}

/** The whole report in Markdown. */
export function renderReport(results: Results, { plots }: ReportOptions): string {
  const drawn = new Set(plots ? plotNames(results) : []);
  const plot = (name: PlotName) => drawn.has(name) ? `![${name}](${name}.svg)` : "";
  return paragraphs(
    `# Bench of ${results.date} UTC`,
    setUp(results),
    section("Remarks", results.remarks ?? ""),
    section("The article's experiment", ...articleSection(results, [plot("article-response"), plot("article")])),
    ...proxySections(results, plot),
    section("What more costs", variantsSection(results)),
    section("Reload under load", reloadSection(results.samples)),
    section("Was the machine quiet? What failed?", noise(results)),
  ) + "\n";
}

/** The plots that there are figures for. */
export function plotNames({ samples, contenders }: Results): PlotName[] {
  const has = (scenario: string) => samples.some((sample) => sample.scenario === scenario);
  const ours = contenders.filter(({ kind }) => kind === "ours").length;
  return [
    ...(samples.some(({ scenario }) => scenario.startsWith("article-"))
      ? ["article-response" as const, "article" as const]
      : []),
    ...(has("keep-alive") || has("handshake-full-ecdsa") ? ["cpu" as const] : []),
    ...(has("half-load") ? ["latency" as const] : []),
    ...(has("idle") ? ["memory" as const] : []),
    ...(ours > 1 && has("keep-alive") ? ["runtimes" as const] : []),
  ];
}
