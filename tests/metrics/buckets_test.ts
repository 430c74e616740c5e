import assert from "node:assert/strict";
import { histogramSize, LATENCY_BUCKETS, observe, quantile, readHistogram } from "../../src/metrics/buckets.ts";

const BOUNDS = [0.1, 0.2, 0.5];

function histogramOf(values: number[]) {
  const row = new Float64Array(3 + histogramSize(BOUNDS));
  for (const value of values) observe(row, 3, BOUNDS, value);
  return readHistogram(row, 3, BOUNDS);
}

Deno.test("observe() counts a value at its bound in that bucket, and sums", () => {
  const histogram = histogramOf([0.05, 0.1, 0.11, 0.2, 0.5, 0.6, 100]);
  assert.deepEqual([...histogram.counts], [2, 2, 1, 2]);
  assert.ok(Math.abs(histogram.sum - 101.56) < 1e-9);
});

Deno.test("observe() finds the right bucket for every bound", () => {
  const row = new Float64Array(histogramSize(LATENCY_BUCKETS));
  for (const bound of LATENCY_BUCKETS) observe(row, 0, LATENCY_BUCKETS, bound);
  assert.deepEqual([...row.subarray(0, LATENCY_BUCKETS.length)], LATENCY_BUCKETS.map(() => 1));
});

Deno.test("LATENCY_BUCKETS rise, from 10 µs to 10 s, and are decimal", () => {
  assert.equal(LATENCY_BUCKETS[0], 1e-5);
  assert.equal(LATENCY_BUCKETS.at(-1), 10);
  assert.ok(LATENCY_BUCKETS.includes(0.0003));
  assert.deepEqual([...LATENCY_BUCKETS].sort((a, b) => a - b), LATENCY_BUCKETS);
});

Deno.test("quantile() interpolates, and looks only at what came since", () => {
  assert.equal(quantile(histogramOf([]), 0.5), null);
  const half = quantile(histogramOf([0.15, 0.15, 0.15, 0.15]), 0.5)!;
  assert.ok(Math.abs(half - 0.15) < 1e-9, `${half}`);
  const before = histogramOf([0.4, 0.4, 0.4]);
  const after = histogramOf([0.4, 0.4, 0.4, 0.05]);
  assert.ok(quantile(after, 0.99, before)! <= 0.1);
  assert.equal(quantile(histogramOf([7]), 0.5), 0.5);
});
