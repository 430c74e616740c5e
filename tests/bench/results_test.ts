import assert from "node:assert/strict";
import { mergeResults } from "../../bench/figures/merge.ts";
import { renderPlot } from "../../bench/report/plots.ts";
import { plotNames, renderReport } from "../../bench/report/report.ts";
import { headlineColumns } from "../../bench/report/headline.ts";
import type { Results } from "../../bench/figures/results.ts";
import type { Sample, Values } from "../../bench/figures/sample.ts";
import { QUICK } from "../../bench/settings.ts";

function runs(scenario: string, size: number, byContender: Record<string, Values>): Sample[] {
  return Object.entries(byContender).flatMap(([contender, values]) =>
    [1, 2].map((round) => ({ scenario, contender, size, round, values }))
  );
}

function keepAlive(cpuUsPerRequest: number): Values {
  return { cpuUsPerRequest, requestsPerSecond: 1e6 / cpuUsPerRequest, p50Us: 500, p90Us: 900, p99Us: 2000, errors: 0 };
}

function makeResults(samples: Sample[]): Results {
  return {
    date: "2026-01-02 03:04",
    commit: "abc1234",
    mode: "quick",
    machine: { cpu: "CPU", cpus: 2, memoryGb: 8, kernel: "linux", loadBefore: 0, descriptorLimit: 20_000 },
    versions: { hitch: "hitch 1.7" },
    settings: QUICK,
    generator: "wrk",
    pinned: true,
    crypto: { aesBytesPerSecond: 4e9, ecdsaSignUs: 15, rsaSignUs: 230, x25519Us: 25 },
    notes: ["Missing wrk: slower"],
    contenders: [
      { name: "floor", kind: "floor" },
      { name: "hitch", kind: "peer" },
      { name: "tls-off", kind: "ours" },
      { name: "tls-off:bun", kind: "ours" },
    ],
    samples,
    failures: [],
  };
}

const PEERS = runs("keep-alive", 10, {
  floor: keepAlive(5),
  hitch: keepAlive(10),
  "tls-off": keepAlive(9),
  "tls-off:bun": keepAlive(8.5),
});

Deno.test("headlineColumns() has what was measured, with the most connections", () => {
  const samples = [
    ...PEERS,
    ...runs("connections-1000", 10, { hitch: keepAlive(1) }),
    ...runs("connections-3000", 10, { hitch: keepAlive(1) }),
  ];
  assert.deepEqual(headlineColumns(samples).map(({ title, scenario }) => `${title}: ${scenario}`), [
    "CPU per request, 10 B: keep-alive",
    "the same with 3000 connections: connections-3000",
  ]);
});

Deno.test("renderReport() says what is ours and what is the runtime's, by the loop of the same runtime", () => {
  const results = makeResults([
    ...PEERS,
    ...runs("keep-alive", 10, { "barest:deno": keepAlive(6), "barest:bun": keepAlive(8.5) }),
  ]);
  results.contenders.push({ name: "barest:deno", kind: "barest" }, { name: "barest:bun", kind: "barest" });
  const report = renderReport(results, { plots: false });
  assert.match(report, /\| CPU per request, 10 B +\| +1\.50× \| +≈1\.00× \|/);
  assert.ok(!report.includes("✓"));
  assert.ok(!renderReport(makeResults(PEERS), { plots: false }).includes("barest"));
});

Deno.test("renderReport() has connections as a dimension, with the others' number among them, and workers", () => {
  const samples = [
    ...PEERS,
    ...runs("connections-3000", 10, { hitch: keepAlive(20) }),
    ...runs("workers-2", 10, { hitch: keepAlive(5) }),
  ];
  const report = renderReport(makeResults(samples), { plots: false });
  assert.match(report, /\| CPU µs per request by connections \| +10 B, 100 \| +10 B, 3 000 \|/);
  assert.match(
    report,
    /\| several workers, 10 B \| requests per second, 2 workers \| CPU µs per request, 2 workers \|/,
  );
});

Deno.test("renderReport() names rounds that somebody disturbed", () => {
  const results = makeResults(PEERS);
  const calibration = (before: string, ms: number) => ({ before, ms, load: 0 });
  results.calibrations = [calibration("a", 100), calibration("b", 101), calibration("the end", 99)];
  assert.match(renderReport(results, { plots: false }), /3 times: 100 ms.*No round had one/);
  results.calibrations = ["a", "b", "c", "d", "the end"].map((name, index) =>
    calibration(name, index === 2 ? 120 : 100)
  );
  assert.match(renderReport(results, { plots: false }), /2 of 4 rounds had .* may have been disturbed: b, c\./);
});

Deno.test("renderReport() has tables of what was measured, and no headings of what was not", () => {
  const report = renderReport(makeResults(PEERS), { plots: false });
  assert.match(report, /## What it costs/);
  assert.match(report, /\| tls-off +\| 9\.00 ±0 % 0\.90× \|/);
  assert.match(report, /- Missing wrk: slower/);
  assert.ok(!report.includes("## The article's experiment"));
  assert.ok(!report.includes("## Reload"));
  assert.ok(!report.includes(".svg"));
});

Deno.test("renderReport() gives figures as multiples of the floor", () => {
  const report = renderReport(makeResults(PEERS), { plots: false });
  const part = report.slice(report.indexOf("## As multiples of the floor"));
  assert.match(part, /\| tls-off +\| +1\.80× \|/);
});

Deno.test("renderReport() names runs with errors, failures, and a machine that was busy", () => {
  const results = makeResults(runs("keep-alive", 10, { hitch: { ...keepAlive(10), errors: 7 } }));
  results.machine.loadBefore = 1.5;
  results.failures.push({
    step: { scenario: "idle", contender: "hitch", size: 1000, round: 1 },
    message: "Cannot start hitch: no\nlog",
  });
  const report = renderReport(results, { plots: false });
  assert.match(report, /not idle: take/);
  assert.match(report, /keep-alive hitch 10 B round 1 \(7\)/);
  assert.match(report, /- idle hitch: Cannot start hitch: no$/m);
});

Deno.test("mergeResults() puts scenarios together and refuses the same one twice", () => {
  const peers = makeResults(PEERS);
  const article = makeResults(runs("article-node", 10, { http: { requestsPerSecond: 1 } }));
  article.contenders = [{ name: "nginx", kind: "peer" }];
  article.notes = ["Missing wrk: slower", "other"];
  const merged = mergeResults([peers, article]);
  assert.equal(merged.samples.length, PEERS.length + 2);
  assert.equal(merged.contenders.map(({ name }) => name).join(), "floor,hitch,tls-off,tls-off:bun,nginx");
  assert.equal(merged.notes.join(), "Missing wrk: slower,other");
  assert.equal(merged.settings.article.rounds, QUICK.article.rounds);
  assert.throws(() => mergeResults([peers, peers]), /"keep-alive" is in more than one/);
});

Deno.test("mergeResults() says what was measured in another way, and keeps remarks", () => {
  const idle = makeResults(runs("idle", 1000, { hitch: { bytesPerConnection: 40_000 } }));
  idle.settings = { ...QUICK, rounds: 9 };
  idle.remarks = "Half of it is *malloc's*.";
  const article = makeResults(runs("article-node", 10, { http: { requestsPerSecond: 1 } }));
  article.settings = { ...QUICK, article: { ...QUICK.article, rounds: 7 } };
  const merged = mergeResults([makeResults(PEERS), idle, article]);
  assert.match(merged.notes.join("\n"), /Measured apart: idle, 9 rounds of/);
  assert.ok(!merged.notes.join("\n").includes("article"));
  assert.equal(merged.settings.article.rounds, 7);
  const report = renderReport(merged, { plots: false });
  assert.match(report, /## Remarks\n\nHalf of it is \*malloc's\*\./);
  assert.ok(!renderReport(makeResults(PEERS), { plots: false }).includes("Remarks"));
});

Deno.test("renderPlot() draws every plot there are figures for, with a style for dark pages", async () => {
  const article = runs("article-node", 10, {
    http: { requestsPerSecond: 300, p50Us: 1000, connections: 100 },
    https: { requestsPerSecond: 100, p50Us: 3000, connections: 100 },
    "tls-off": { requestsPerSecond: 200, p50Us: 2000, connections: 100 },
  });
  const idle = runs("idle", 1000, { hitch: { bytesPerConnection: 40_000 }, "tls-off": { bytesPerConnection: 20_000 } });
  const half = runs("half-load", 10, { hitch: keepAlive(10), "tls-off": keepAlive(9) });
  // A run in which nothing was answered is no reason to draw nothing.
  article[0].values.requestsPerSecond = 0;
  const results = makeResults([...PEERS, ...article, ...idle, ...half]);
  const names = plotNames(results);
  assert.equal(names.join(), "article-response,article,cpu,latency,memory,runtimes");
  for (const name of names) {
    const svg = await renderPlot(name, results);
    assert.match(svg, /^<svg [^>]*><style>@media \(prefers-color-scheme:dark\)/);
    assert.ok(!svg.includes("NaN"), `${name} has figures that are none`);
    assert.ok(svg.includes("tls-off"));
    assert.equal(await renderPlot(name, results), svg, `${name} differs when drawn again`);
  }
});
