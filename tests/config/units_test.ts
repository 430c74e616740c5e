import {
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  parseDuration,
  parseSize,
} from "../../src/config/schema/units.ts";
import { ValueError } from "../../src/net/value_error.ts";
import assert from "node:assert/strict";

Deno.test("parseDuration() reads every unit", () => {
  const cases: [unknown, number][] = [
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["1.5s", 1500],
    ["0.1s", 100],
    ["1.1s", 1100],
    ["2.007s", 2007],
    ["0s", 0],
    ["0", 0],
    [0, 0],
    ["596h", 596 * 3_600_000],
  ];
  for (const [text, durationMs] of cases) assert.equal(parseDuration(text), durationMs, String(text));
});

Deno.test("parseDuration() rejects a bare number and says that the unit is missing", () => {
  for (const value of [10, "10", 1.5, -1]) {
    assert.throws(() => parseDuration(value), { name: "ValueError", message: /needs a unit|must be a duration/ });
  }
  assert.throws(() => parseDuration(10), { detail: /^needs a unit: must be a duration such as "500ms"/ });
});

Deno.test("parseDuration() rejects what is no duration", () => {
  const cases = [
    "",
    "s",
    "10 s",
    " 10s",
    "10s ",
    "-5s",
    "1d",
    "1h30m",
    "10S",
    "1e3s",
    ".5s",
    "5.s",
    "٣s",
    "0.1ms",
    "1us",
  ];
  for (const text of cases) assert.throws(() => parseDuration(text), ValueError, text);
  for (const value of [null, undefined, true, [], {}, NaN, Infinity, new Date(0)]) {
    assert.throws(() => parseDuration(value), ValueError, String(value));
  }
});

Deno.test("parseDuration() rejects what a timer cannot hold", () => {
  assert.equal(parseDuration(`${MAX_DURATION_MS}ms`), MAX_DURATION_MS);
  assert.throws(() => parseDuration(`${MAX_DURATION_MS + 1}ms`), { detail: "must be at most 596h" });
  assert.throws(() => parseDuration("597h"), { detail: "must be at most 596h" });
  assert.throws(() => parseDuration("999999999999h"), { detail: "must be at most 596h" });
  assert.throws(() => parseDuration("9".repeat(400) + "h"), ValueError);
});

Deno.test("formatDuration() writes what parseDuration() reads", () => {
  const cases: [number, string][] = [[0, "0"], [1, "1ms"], [1500, "1500ms"], [90_000, "90s"], [120_000, "2m"], [
    7_200_000,
    "2h",
  ]];
  for (const [durationMs, text] of cases) {
    assert.equal(formatDuration(durationMs), text);
    assert.equal(parseDuration(text), durationMs);
  }
});

Deno.test("parseSize() reads units and bare bytes", () => {
  const cases: [unknown, number][] = [
    ["512B", 512],
    ["64KiB", 65536],
    ["10MiB", 10 * 1024 * 1024],
    ["1GiB", 1024 ** 3],
    ["1.5KiB", 1536],
    ["4096", 4096],
    [4096, 4096],
    [0, 0],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, String(text));
});

Deno.test("parseSize() rejects other units, fractions of bytes and negative numbers", () => {
  for (const value of ["", "64K", "64KB", "64kib", "64 KiB", "-1B", "1.5B", "KiB", "0.0001KiB", "1TiB", "0x10"]) {
    assert.throws(() => parseSize(value), ValueError, value);
  }
  for (const value of [-1, 1.5, NaN, Infinity, null, true, [], {}]) {
    assert.throws(() => parseSize(value), ValueError, String(value));
  }
  assert.throws(() => parseSize("9007199254740992B"), ValueError);
  assert.throws(() => parseSize("999999999999999GiB"), ValueError);
});

Deno.test("formatSize() writes what parseSize() reads", () => {
  const cases: [number, string][] = [[0, "0"], [1, "1B"], [1536, "1536B"], [65536, "64KiB"], [1024 ** 3, "1GiB"]];
  for (const [bytes, text] of cases) {
    assert.equal(formatSize(bytes), text);
    assert.equal(parseSize(text), bytes);
  }
});
