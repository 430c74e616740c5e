import { didYouMean, editDistance, nearest } from "../../src/config/suggest.ts";
import assert from "node:assert/strict";

Deno.test("editDistance() counts insertions, deletions, replacements and swaps", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["abc", "abc", 0],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["listen", "lisent", 2],
    ["kitten", "sitting", 3],
  ];
  for (const [a, b, distance] of cases) {
    assert.equal(editDistance(a, b), distance, `${a} ${b}`);
    assert.equal(editDistance(b, a), distance, `${b} ${a}`);
  }
});

Deno.test("nearest() finds slips and other spellings", () => {
  const keys = ["min-version", "max-version", "listen", "backend", "cert", "key", "alpn"];
  const cases: [string, string | null][] = [
    ["min_version", "min-version"],
    ["minVersion", "min-version"],
    ["MIN-VERSION", "min-version"],
    ["max-verison", "max-version"],
    ["lisen", "listen"],
    ["listens", "listen"],
    ["backends", "backend"],
    ["ky", "key"],
    ["kye", "key"],
    ["certificate", null],
    ["x", null],
    ["", null],
    ["frobnicate", null],
    ["l".repeat(100_000), null],
  ];
  for (const [word, expected] of cases) assert.equal(nearest(word, keys), expected, word.slice(0, 40));
});

Deno.test("nearest() prefers the nearest, and of equals the first", () => {
  assert.equal(nearest("min-versoin", ["max-version", "min-version"]), "min-version");
  assert.equal(nearest("bat", ["cat", "hat"]), "cat");
});

Deno.test("didYouMean() says nothing where nothing is near", () => {
  assert.equal(didYouMean("lisen", ["listen"]), ', did you mean "listen"?');
  assert.equal(didYouMean("frobnicate", ["listen"]), "");
});
