import assert from "node:assert/strict";
import { formatBytes, formatNumber, formatSeconds } from "../../src/admin/units.ts";

Deno.test("formatNumber() shows three digits that count", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [7, "7"],
    [0.5, "0.5"],
    [1.239, "1.24"],
    [12.34, "12.3"],
    [99.94, "99.9"],
    [99.96, "100"],
    [999.4, "999"],
    [999.6, "1 k"],
    [1000, "1 k"],
    [1234, "1.23 k"],
    [123_456, "123 k"],
    [999_600, "1 M"],
    [2.5e9, "2.5 G"],
    [-1500, "-1.5 k"],
    [1e20, "100000 P"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

Deno.test("formatBytes() always has its unit", () => {
  assert.equal(formatBytes(0), "0 B");
  assert.equal(formatBytes(999), "999 B");
  assert.equal(formatBytes(1_500_000), "1.5 MB");
});

Deno.test("formatSeconds() goes from microseconds to days", () => {
  const cases: [number | null, string][] = [
    [null, "–"],
    [0.00023, "230 µs"],
    [0.0009999, "1 ms"],
    [0.0123, "12.3 ms"],
    [0.9999, "1 s"],
    [90, "90 s"],
    [150, "3 min"],
    [7_300, "2 h"],
    [400_000, "5 d"],
  ];
  for (const [value, text] of cases) assert.equal(formatSeconds(value), text);
});
