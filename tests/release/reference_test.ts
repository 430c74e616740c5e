import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/args_commands.ts";
import { describeKeys } from "../../src/config/schema/schema.ts";
import { EVENTS } from "../../src/log/events.ts";
import { REASONS } from "../../src/metrics/reasons.ts";
import { PROXY_HEADER_REASONS } from "../../src/proxy_protocol/proxy_header_error.ts";
import { listEnvironment, listExitCodes, listSignals, readSources } from "../../scripts/reference/inventory.ts";
import { toMan } from "../../scripts/reference/man.ts";
import { toMarkdown } from "../../scripts/reference/markdown.ts";
import { describeMetrics, listMetricFields, listRoutes } from "../../scripts/reference/observed.ts";
import { referenceSections } from "../../scripts/reference/model.ts";
import { PAGE, writePage } from "../../scripts/reference/page.ts";
import {
  ENVIRONMENT_TEXTS,
  EXIT_TEXTS,
  FIELD_TEXTS,
  METRIC_FIELD_TEXTS,
  ROUTE_TEXTS,
  SIGNAL_TEXTS,
} from "../../scripts/reference/texts.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";

const man = () => toMan(referenceSections(), { version: manifest.version, date: "2000-01-01" });

/** Everything that has a name which users meet. */
function names(): string[] {
  return [
    ...COMMANDS.flatMap(({ name, flags }) => [`tls-off ${name}`, ...flags.map((flag) => `--${flag.name}`)]),
    ...describeKeys().flatMap(({ name, table }) => table === "" ? [name] : [name, table]),
    ...REASONS,
    ...PROXY_HEADER_REASONS,
    ...describeMetrics().map(({ name }) => name),
    ...listMetricFields(),
    ...listRoutes(),
    ...Object.keys(FIELD_TEXTS),
    ...Object.keys(EVENTS),
    ...Object.keys(SIGNAL_TEXTS),
    ...Object.keys(ENVIRONMENT_TEXTS),
  ];
}

Deno.test("the reference is as the code is now: deno task reference writes it", () => {
  assert.equal(Deno.readTextFileSync(PAGE), writePage());
});

Deno.test("the reference has each engine's features, and every section once", () => {
  const titles = [...writePage().matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  assert.ok(titles.includes("Engines"));
  assert.deepEqual(titles.filter((title) => title !== "Engines"), referenceSections().map(({ title }) => title));
});

Deno.test("every event that the reference describes is given to some record", () => {
  // That each record's event is described is the compiler's to check.
  const sources = [...readSources()].filter(([path]) => !path.endsWith("/log/events.ts")).map(([, text]) => text).join(
    "\n",
  );
  for (const event of Object.keys(EVENTS)) assert.ok(sources.includes(`"${event}"`), event);
});

Deno.test("every signal, exit code and environment variable is described, and no other", () => {
  const sources = readSources();
  assert.deepEqual(listSignals(sources), Object.keys(SIGNAL_TEXTS).sort());
  assert.deepEqual(listExitCodes(sources), Object.keys(EXIT_TEXTS));
  assert.deepEqual(listEnvironment(), Object.keys(ENVIRONMENT_TEXTS).sort());
});

Deno.test("every request of the admin endpoint and field of a metrics record is described, and no other", () => {
  assert.deepEqual(listRoutes(), Object.keys(ROUTE_TEXTS));
  assert.deepEqual(listMetricFields(), Object.keys(METRIC_FIELD_TEXTS));
});

Deno.test("the inventory finds names in sources", () => {
  const sources = new Map([
    ["a.ts", 'process.on("SIGHUP", f);'],
    ["b.ts", 'export const EXIT_CUT = 3; process.on("SIGUSR1", f);'],
  ]);
  assert.deepEqual(listExitCodes(sources), ["0", "3"]);
  assert.deepEqual(listSignals(sources), ["SIGHUP", "SIGUSR1"]);
  assert.deepEqual(listEnvironment("deno run --allow-net --allow-env=A,B x.ts"), ["A", "B"]);
});

Deno.test("describeMetrics() has labels for every metric that has some", () => {
  const labels = new Map(describeMetrics().map((metric) => [metric.name, metric.labels]));
  assert.deepEqual(labels.get("tls_off_connections_rejected_total"), ["listener", "reason"]);
  assert.deepEqual(labels.get("tls_off_client_bytes_total"), ["client", "direction"]);
  assert.deepEqual(labels.get("tls_off_bytes_total"), ["listener", "route", "worker", "direction"]);
  assert.deepEqual(labels.get("process_cpu_seconds_total"), []);
});

Deno.test("the reference and the man page have every name that users meet", () => {
  const markdown = toMarkdown(referenceSections());
  const page = man().replaceAll("\\-", "-");
  for (const name of names()) {
    assert.ok(markdown.includes(name), `reference: ${name}`);
    assert.ok(page.includes(name), `man page: ${name}`);
  }
});

Deno.test("toMarkdown() leaves nothing to Markdown that it would take for itself", () => {
  const table = { columns: ["a", "b"], rows: [["`x|y`", "all * of <them> [1]"]] };
  const markdown = toMarkdown([{ title: "T", blocks: [{ kind: "table", table }] }]);
  assert.ok(markdown.includes("| `x\\|y` | all \\* of \\<them\\> \\[1\\] |"));
});

const LINTERS = [{ command: "mandoc", debian: "mandoc" }, { command: "groff", debian: "groff" }];

peerTest("the man page has no warnings of mandoc and groff", LINTERS, async () => {
  const path = await Deno.makeTempFile({ suffix: ".1" });
  try {
    await Deno.writeTextFile(path, man());
    for (const [command, ...args] of [["mandoc", "-Tlint", path], ["groff", "-man", "-Tutf8", "-ww", "-z", path]]) {
      const { text, errors } = await runPeer(command, args);
      assert.equal(text + errors, "", command);
    }
  } finally {
    await Deno.remove(path);
  }
});
