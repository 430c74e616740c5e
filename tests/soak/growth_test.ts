import assert from "node:assert/strict";
import { seededRandom } from "../support/random.ts";
import { assertNoLeak, growthOf, isLeak } from "./growth.ts";

const SAMPLES = 120;
/** What a soak on an unchanged program showed in KiB: it grew to a plateau. */
const [FROM, TO] = [110_868, 128_520];

function series(value: (share: number, at: number) => number): number[] {
  return Array.from({ length: SAMPLES }, (_, at) => value(at / (SAMPLES - 1), at));
}

const leaks = (samples: number[]) => isLeak(growthOf(samples));

Deno.test("memory that grows to a plateau is no leak", () => {
  for (const step of [0.1, 0.25, 0.5, 0.6, 0.75, 0.9]) {
    assert.equal(leaks(series((share) => share < step ? FROM : TO)), false, `a step at ${step}`);
  }
  assert.equal(leaks(series((share) => TO - (TO - FROM) * Math.exp(-8 * share))), false, "a slow approach");
  assert.equal(leaks(series((share) => FROM + (TO - FROM) * Math.min(1, share * 2))), false, "half of a climb");
});

Deno.test("memory that climbs steadily is a leak", () => {
  assert.equal(leaks(series((share) => FROM + (TO - FROM) * share)), true, "in a line");
  assert.equal(leaks(series((share) => FROM * (1 + share ** 2))), true, "faster and faster");
  assert.equal(leaks(series((share) => FROM + (TO - FROM) * Math.floor(share * 20) / 20)), true, "in steps");
});

Deno.test("peaks neither make a leak nor hide one", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const noise = () => random() ** 3 * 0.5 * FROM;
    const exhaustion = (at: number) => at % 40 < 4 ? 0.3 * FROM : 0;
    assert.equal(leaks(series((_, at) => FROM + noise() + exhaustion(at))), false, `level, seed ${seed}`);
    assert.equal(leaks(series((share, at) => FROM * (1 + 0.3 * share) + noise() + exhaustion(at))), true, `${seed}`);
  }
});

Deno.test("memory that falls is no leak, nor a peak that is given back", () => {
  assert.equal(leaks(series((share) => TO - (TO - FROM) * share)), false);
  assert.equal(leaks(series((share) => FROM + (TO - FROM) * Math.sin(share * Math.PI))), false);
});

Deno.test("growth is told as a share of the median", () => {
  const { whole, lastHalf } = growthOf(series((share) => 100 + 20 * share));
  assert.ok(Math.abs(whole - 20 / 110) < 0.02, `${whole}`);
  assert.ok(Math.abs(lastHalf - 10 / 110) < 0.01, `${lastHalf}`);
});

Deno.test("a leak fails the assertion with its numbers, and too few samples are refused", () => {
  assert.throws(() => assertNoLeak(series((share) => FROM * (1 + share))), /110868 to 221736 KiB/);
  assert.throws(() => growthOf([1, 2, 3]), new RangeError("3 samples are too few to tell growth"));
});
