/** The alerts and the dashboard, against what the program itself exports. */
import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { describeMetrics } from "../../scripts/reference/observed.ts";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

const RULES = `${ROOT}scripts/deploy/prometheus/rules.yml`;
const DASHBOARD = `${ROOT}scripts/deploy/grafana/tls-off.json`;
const PROMTOOL = { command: "promtool", debian: "prometheus" };
/** The name of a metric as it stands in an expression. */
const METRIC = /\b(?:tls_off|process)_[a-z_]+\b/g;
/** What a histogram adds to its name. */
const HISTOGRAM_SERIES = /_(bucket|count|sum)$/;

const exported = new Set(describeMetrics().map(({ name }) => name));

function assertExported(expression: string): void {
  for (const [name] of expression.matchAll(METRIC)) {
    assert.ok(exported.has(name) || exported.has(name.replace(HISTOGRAM_SERIES, "")), `${name} in ${expression}`);
  }
}

/** One exposition line: the series with its labels, and the value. */
function* samples(text: string): Iterable<[series: string, value: string]> {
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = /^([a-z_]+)(?:\{(.*)\})? ([^ ]+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    yield [`${name}{${[labels, 'job="tls-off"', 'instance="a"'].filter((part) => part !== "").join(",")}}`, value];
  }
}

Deno.test("the alerts name metrics that there are", () => {
  const expressions = [...Deno.readTextFileSync(RULES).matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/g)];
  assert.equal(expressions.length, Deno.readTextFileSync(RULES).match(/- alert:/g)?.length);
  for (const [, block, line] of expressions) assertExported(block ?? line);
});

Deno.test("the dashboard names metrics that there are, and has variables for instance and listener", () => {
  const dashboard = JSON.parse(Deno.readTextFileSync(DASHBOARD));
  const variables = dashboard.templating.list.map(({ name }: { name: string }) => name);
  assert.deepEqual(variables, ["datasource", "job", "instance", "listener"]);
  const expressions = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr)
  );
  assert.ok(expressions.length > 20);
  for (const expression of expressions) assertExported(expression);
  for (const { query } of dashboard.templating.list) assertExported(query.query ?? "");
  const ids = dashboard.panels.map(({ id }: { id: number }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

peerTest("promtool takes the alerts, and each fires on what the program itself tells", [PROMTOOL], async () => {
  assert.equal((await runPeer("promtool", ["check", "rules", RULES])).code, 0);
  using dir = new TempDir();
  const backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { admin: { listen: "127.0.0.1:0" } },
    listener: { timeouts: { connect: "200ms" } },
    openFiles: 256,
  });
  const { address } = await proxy.program.record(({ event }) => event === "admin-listening");
  const scrape = async () => await (await fetch(`http://${address}/metrics`)).text();
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await readExactly(client, 1);
  client.close();
  const before = await scrape();

  // The application goes, somebody speaks no TLS, and the configuration becomes wrong.
  await backend[Symbol.asyncDispose]();
  for (let count = 0; count < 3; count++) {
    const turnedAway = await proxy.connect();
    await turnedAway.read(new Uint8Array(1)).catch(() => null);
    turnedAway.close();
  }
  for (let count = 0; count < 30; count++) {
    const stranger = await proxy.connectTcp();
    await stranger.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    await stranger.read(new Uint8Array(100)).catch(() => null);
    stranger.close();
  }
  Deno.writeTextFileSync(dir.file("proxy.toml"), stringify({ nonsense: 1 }));
  assert.equal((await proxy.reload()).event, "reload-failed");
  await until(() => proxy.program.connections().length >= 4, "the connections have their records");
  const after = await scrape();

  // Ten minutes of the one, twenty from the other on: a change in between is one that a scrape sees.
  const now = new Map(samples(after));
  const then = new Map(samples(before));
  // What no test can bring about in good time is told by the same series with another value.
  const staged: Record<string, string> = {
    tls_off_accept_pauses_total: "1",
    tls_off_worker_restarts_total: "1",
    tls_off_log_records_dropped_total: "1",
    process_open_fds: "250",
    tls_off_certificate_expiry_timestamp_seconds: "86400",
  };
  const series = [...now].map(([name, value]) => {
    const end = staged[name.slice(0, name.indexOf("{"))] ?? value;
    const start = then.get(name) ?? "0";
    // A counter goes on to grow as it did between the two scrapes.
    const grows = /_(total|count|sum|bucket)$/.test(name.slice(0, name.indexOf("{"))) && !(name in staged);
    const step = grows ? Math.max(0, Number(end) - Number(start)) : 0;
    return `      - series: '${name}'\n        values: '${start}x10 ${end}+${step}x20'`;
  });
  const alerts = [...Deno.readTextFileSync(RULES).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const expected = (names: string[]) =>
    names.map((name) => `          - labels: '{alertname="${name}"}'\n            value: 1`).join("\n");
  const tests = `rule_files: ['${RULES}']
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
${series.join("\n").replaceAll("NaN", "0")}
    promql_expr_test:
      - expr: 'group by (alertname) (ALERTS{alertstate="firing"})'
        eval_time: 9m
        exp_samples: []
      - expr: 'group by (alertname) (max_over_time(ALERTS{alertstate="firing"}[20m]))'
        eval_time: 30m
        exp_samples:
${expected(alerts)}
`;
  Deno.writeTextFileSync(dir.file("tests.yml"), tests);
  const { code, text, errors } = await runPeer("promtool", ["test", "rules", dir.file("tests.yml")]);
  assert.equal(code, 0, text + errors);
});
