import assert from "node:assert/strict";
import { Clock, type Expiring } from "../../src/proxy/clock.ts";

/** A member, and a promise of its next sweep. */
function member(): Expiring & { swept(): Promise<number> } {
  let told: ((nowMs: number) => void) | null = null;
  return {
    swept: () => new Promise((resolve) => told = resolve),
    expire(nowMs) {
      told?.(nowMs);
      told = null;
    },
  };
}

// A timer that stayed would fail these as a leak.
const ticksPass = () => new Promise((resolve) => setTimeout(resolve, 100));

Deno.test("Clock sweeps its members, also one that comes as soon as the last has left, and rests when there are none", async () => {
  const clock = new Clock([0, 80]);
  const first = member();
  clock.add(first);
  const before = clock.now;
  assert.ok(await first.swept() > before);
  clock.delete(first);
  assert.equal(clock.size, 0);
  const second = member();
  clock.add(second);
  const late = first.swept();
  assert.ok(await second.swept() > before);
  assert.equal(await Promise.race([late, Promise.resolve("not swept")]), "not swept");
  clock.delete(second);
  await ticksPass();
});

Deno.test("Clock tells a member that comes after a rest the time of now", async () => {
  const clock = new Clock([80]);
  const rested = clock.now;
  await ticksPass();
  const one = member();
  clock.add(one);
  assert.ok(clock.now >= rested + 50);
  await one.swept();
  clock.delete(one);
  await ticksPass();
});
