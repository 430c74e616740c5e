import assert from "node:assert/strict";
import { Clock, type Expiring } from "../../src/proxy/clock.ts";

/** Takes the place of the time and of intervals. Time passes by {@linkcode TestTime.pass} alone. */
class TestTime implements Disposable {
  nowMs = 1_000;
  readonly #intervals = new Map<number, { run: () => void; everyMs: number; dueMs: number }>();
  readonly #originals = { setInterval: globalThis.setInterval, clearInterval: globalThis.clearInterval };
  #lastId = 0;

  constructor() {
    performance.now = () => this.nowMs;
    const setInterval = (run: () => void, everyMs: number) => {
      this.#intervals.set(++this.#lastId, { run, everyMs, dueMs: this.nowMs + everyMs });
      return this.#lastId;
    };
    const clearInterval = (id: number) => this.#intervals.delete(id);
    Object.assign(globalThis, { setInterval, clearInterval });
  }

  /** How many intervals there are. */
  get intervals(): number {
    return this.#intervals.size;
  }

  pass(milliseconds: number): void {
    for (const endMs = this.nowMs + milliseconds; this.nowMs < endMs; this.nowMs++) {
      for (const interval of this.#intervals.values()) {
        if (this.nowMs < interval.dueMs) continue;
        interval.dueMs += interval.everyMs;
        interval.run();
      }
    }
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#originals);
    Reflect.deleteProperty(performance, "now");
  }
}

/** A member that notes the time of each sweep. */
class Member implements Expiring {
  readonly sweeps: number[] = [];
  expire(nowMs: number): void {
    this.sweeps.push(nowMs);
  }
}

Deno.test("Clock sweeps its members, also one that comes as soon as the last has left, and rests when there are none", () => {
  using time = new TestTime();
  const members = new Map<Member, unknown>();
  const clock = new Clock(members, [0, 80]);
  const [first, second] = [new Member(), new Member()];
  members.set(first, 1);
  clock.start();
  time.pass(41);
  // A tick is a quarter of the shortest timeout that is not off.
  assert.deepEqual(first.sweeps, [1_020, 1_040]);
  assert.equal(clock.now, 1_040);
  members.delete(first);
  members.set(second, 2);
  clock.start();
  time.pass(20);
  assert.deepEqual([first.sweeps.length, second.sweeps], [2, [1_060]]);
  assert.equal(time.intervals, 1);
  members.delete(second);
  time.pass(20);
  assert.equal(time.intervals, 0);
});

Deno.test("Clock tells a member that comes after a rest the time of now", () => {
  using time = new TestTime();
  const members = new Map<Member, unknown>();
  const clock = new Clock(members, [80]);
  time.pass(100);
  assert.equal(clock.now, 1_000);
  const one = new Member();
  members.set(one, 1);
  clock.start();
  assert.equal(clock.now, 1_100);
  time.pass(21);
  assert.deepEqual(one.sweeps, [1_120]);
});
