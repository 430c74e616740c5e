import assert from "node:assert/strict";
import { median, pairedRatio, quantile, standardDeviation, summarise } from "../../bench/figures/stats.ts";

Deno.test("median() takes the middle, or the mean of the two middle values", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 9, 1, 2]), 5.5);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("quantile() interpolates between neighbours and leaves its input alone", () => {
  const values = [40, 10, 30, 20];
  assert.equal(quantile(values, 0.25), 17.5);
  assert.equal(quantile(values, 0), 10);
  assert.equal(quantile(values, 1), 40);
  assert.deepEqual(values, [40, 10, 30, 20]);
});

Deno.test("standardDeviation() is the sample's, and 0 for a single value", () => {
  assert.equal(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]).toFixed(4), "2.1381");
  assert.equal(standardDeviation([3]), 0);
});

Deno.test("summarise() gives half the interquartile range as a share of the median", () => {
  assert.deepEqual(summarise([90, 100, 110]), { count: 3, median: 100, min: 90, max: 110, spread: 0.05 });
  assert.equal(summarise([]), null);
  assert.equal(summarise([0, 0])?.spread, 0);
});

Deno.test("pairedRatio() is not fooled by drift that both sides share", () => {
  const ours = new Map([[1, 10], [2, 20], [3, 40]]);
  const theirs = new Map([[1, 20], [2, 40], [3, 80]]);
  assert.deepEqual(pairedRatio(ours, theirs), { median: 0.5, min: 0.5, max: 0.5, noise: false });
});

Deno.test("pairedRatio() calls it noise when rounds disagree on who is smaller", () => {
  const ratio = pairedRatio(new Map([[1, 9], [2, 11], [3, 12]]), new Map([[1, 10], [2, 10], [3, 10]]));
  assert.equal(ratio?.noise, true);
  assert.equal(ratio?.median, 1.1);
});

Deno.test("pairedRatio() leaves out rounds that one side lacks", () => {
  assert.equal(pairedRatio(new Map([[1, 9], [2, 30]]), new Map([[1, 10], [3, 10]]))?.median, 0.9);
  assert.equal(pairedRatio(new Map([[1, 9]]), new Map([[2, 10]])), null);
});
