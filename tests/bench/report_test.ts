import assert from "node:assert/strict";
import { formatClock, interleave, timeLeftMs } from "../../bench/figures/progress.ts";
import { formatFigure, formatPercent, formatSize, markdownTable } from "../../bench/report/format.ts";
import { bestPeer, renderTable } from "../../bench/report/tables.ts";
import type { Column } from "../../bench/report/tables.ts";
import type { Sample } from "../../bench/figures/sample.ts";

function samplesOf(contender: string, values: number[]): Sample[] {
  return values.map((cpu, index) => ({ scenario: "s", contender, size: 10, round: index + 1, values: { cpu } }));
}

const COLUMN: Column = { title: "10 B", scenario: "s", size: 10, metric: "cpu" };

Deno.test("formatFigure() keeps three digits, or four and a gap from a thousand on", () => {
  assert.deepEqual([0, 0.01234, 1.5, 31.24, 412.4, 1744, 28312.7, NaN].map(formatFigure), [
    ...["0", "0.0123", "1.50", "31.2", "412", "1 744", "28 310", "–"],
  ]);
});

Deno.test("formatSize() and formatPercent() use decimal units", () => {
  assert.deepEqual([10, 1000, 10_000, 1_500_000].map(formatSize), ["10 B", "1 kB", "10 kB", "1.5 MB"]);
  assert.deepEqual([0, 0.004, 0.031, 1.2].map(formatPercent), ["0 %", "0.4 %", "3 %", "120 %"]);
});

Deno.test("markdownTable() aligns its source", () => {
  assert.equal(
    markdownTable(["a", "number"], [["long name", "1"]]),
    "| a         | number |\n| --------- | -----: |\n| long name |      1 |",
  );
});

Deno.test("bestPeer() knows which way is better", () => {
  const samples = [...samplesOf("a", [10]), ...samplesOf("b", [20])];
  assert.equal(bestPeer(samples, COLUMN, ["a", "b"]), "a");
  assert.equal(bestPeer(samples, { ...COLUMN, higherIsBetter: true }, ["a", "b"]), "b");
  assert.equal(bestPeer(samples, COLUMN, ["c"]), null);
});

const againstPeers = (samples: Sample[], peers: string[]) => (column: Column) => bestPeer(samples, column, peers);

Deno.test("renderTable() compares each contender with the best peer, round by round", () => {
  const samples = [
    ...samplesOf("hitch", [10, 20]),
    ...samplesOf("nginx", [30, 60]),
    ...samplesOf("ours", [5, 10]),
  ];
  const contenders = ["ours", "hitch", "nginx"];
  const reference = againstPeers(samples, ["hitch", "nginx"]);
  const text = renderTable(samples, { title: "t", columns: [COLUMN] }, { contenders, reference });
  assert.match(text, /\| ours +\| +7\.50 ±17 % 0\.50× \|/);
  assert.match(text, /\| hitch +\| +15\.0 ±17 % \|/);
  assert.match(text, /\| nginx +\| +45\.0 ±17 % 3\.00× \|/);
});

Deno.test("renderTable() marks a ratio that the rounds do not agree on", () => {
  const samples = [...samplesOf("hitch", [10, 10, 10]), ...samplesOf("ours", [9, 11, 11])];
  const options = { contenders: ["ours"], reference: () => "hitch" };
  assert.match(renderTable(samples, { title: "t", columns: [COLUMN] }, options), /≈1\.10×/);
});

Deno.test("renderTable() leaves out who did not run", () => {
  const options = { contenders: ["ours", "gone"], reference: () => null };
  const text = renderTable(samplesOf("ours", [1]), { title: "t", columns: [COLUMN] }, options);
  assert.equal(text.includes("gone"), false);
  assert.equal(renderTable([], { title: "t", columns: [COLUMN] }, options), "");
});

Deno.test("interleave() runs everybody once a round and lets nobody always be first", () => {
  const order = interleave(["a", "b", "c"], 3).map(({ contender, round }) => `${contender}${round}`);
  assert.deepEqual(order, ["a1", "b1", "c1", "b2", "c2", "a2", "c3", "a3", "b3"]);
});

Deno.test("timeLeftMs() learns from how long the steps really took", () => {
  const step = {
    ...{ scenario: "s", contender: "c", size: 0, round: 1, rounds: 1, estimateMs: 20_000 },
    run: () => Promise.resolve({}),
  };
  assert.equal(timeLeftMs([step, step], 0, 0), 40_000);
  assert.equal(timeLeftMs([step, step], 1, 30_000), 30_000);
});

Deno.test("formatClock() shows hours only when there are", () => {
  assert.deepEqual([5, 95, 3725].map(formatClock), ["0:05", "1:35", "1:02:05"]);
});

Deno.test("renderTable() shows no ratio of an absolute figure", () => {
  const samples = [...samplesOf("hitch", [10]), ...samplesOf("ours", [5])];
  const options = { contenders: ["ours"], reference: () => "hitch" };
  const text = renderTable(samples, { title: "t", columns: [{ ...COLUMN, absolute: true }] }, options);
  assert.match(text, /\| ours \| 5\.00 \|/);
});
