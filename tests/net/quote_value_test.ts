import { quoteValue } from "../../src/net/quote_value.ts";
import assert from "node:assert/strict";

Deno.test("quoteValue() shows each kind of value", () => {
  const cases: [unknown, string][] = [
    ["fast", '"fast"'],
    ["", '""'],
    [5, "5"],
    [NaN, "NaN"],
    [true, "true"],
    [[], "an empty list"],
    [[1, 2], "a list of 2"],
    [{ a: 1 }, "a table"],
    [new Date(0), "the date 1970-01-01T00:00:00.000Z"],
    [new Date(NaN), "an invalid date"],
    [undefined, "undefined"],
    [null, "null"],
  ];
  for (const [value, shown] of cases) assert.equal(quoteValue(value), shown);
});

Deno.test("quoteValue() keeps to one short line without control characters", () => {
  const shown = quoteValue("a\nb\x1b[31m\u009b\u202e\u2028" + "é".repeat(200));
  // deno-lint-ignore no-control-regex -- what must not be there
  assert.doesNotMatch(shown, /[\x00-\x1f\x7f-\x9f\u2028\u202e]/);
  assert.ok(shown.length < 140, String(shown.length));
  assert.ok(quoteValue("😀".repeat(100)).isWellFormed());
  assert.ok(quoteValue("a" + "😀".repeat(100)).isWellFormed());
});

Deno.test("quoteValue() never shows a key that was pasted in place of its path", () => {
  const key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFsecret\n-----END PRIVATE KEY-----\n";
  for (const text of [key, "x" + key, key.replaceAll("\n", " "), "MC4C\n-----END PRIVATE KEY-----"]) {
    assert.equal(quoteValue(text), `PEM text of ${text.length} characters`);
  }
});
