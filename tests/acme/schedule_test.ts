import assert from "node:assert/strict";
import { renewalTime, retryDelay } from "../../src/acme/schedule.ts";

const DAY = 86_400_000;

Deno.test("renewalTime() is at two thirds of the lifetime or at half of ten days, plus a twentieth", () => {
  const cases: [days: number, random: number, expected: number][] = [
    [90, 0, 60 * DAY],
    [90, 0.5, 62.25 * DAY],
    [200, 0, 200 * DAY * 2 / 3],
    [10, 0, 10 * DAY * 2 / 3],
    [6, 0, 3 * DAY],
    [6, 0.5, 3.15 * DAY],
  ];
  for (const [days, random, expected] of cases) {
    const timeMs = renewalTime({ notBefore: 1_000, notAfter: 1_000 + days * DAY }, null, random);
    assert.ok(Math.abs(timeMs - 1_000 - expected) < 1, `${days} days, ${random}: ${timeMs}`);
  }
});

Deno.test("renewalTime() keeps to the window that the server suggests, wherever that lies", () => {
  const lifetime = { notBefore: 0, notAfter: 90 * DAY };
  assert.equal(renewalTime(lifetime, { startMs: 5, endMs: 9 }, 0), 5);
  assert.equal(renewalTime(lifetime, { startMs: 5, endMs: 9 }, 0.5), 7);
  assert.equal(renewalTime(lifetime, { startMs: 100 * DAY, endMs: 101 * DAY }, 0), 100 * DAY);
});

Deno.test("retryDelay() doubles from a minute to a day, with jitter of a quarter either way", () => {
  assert.equal(retryDelay(1, undefined, 0.5), 60_000);
  assert.equal(retryDelay(1, undefined, 0), 45_000);
  assert.equal(retryDelay(2, undefined, 0.5), 120_000);
  assert.equal(retryDelay(5, undefined, 0.5), 960_000);
  assert.equal(retryDelay(1_000, undefined, 0.5), DAY);
});

Deno.test("retryDelay() waits as long as the server asks for, and never longer than a day", () => {
  assert.equal(retryDelay(1, 3_600_000, 0.5), 3_600_000);
  assert.equal(retryDelay(6, 1_000, 0.5), 1_920_000);
  assert.equal(retryDelay(1, 40 * DAY, 0.5), DAY);
});
