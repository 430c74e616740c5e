import assert from "node:assert/strict";
import { Limits } from "../../src/proxy/limits/limits.ts";
import { ClientCounts, clientKey } from "../../src/proxy/limits/clients.ts";
import { allocateClients, mapLimits, TOTAL } from "../../src/proxy/limits/memory.ts";
import { SharedLimits } from "../../src/supervisor/workers/shared_limits.ts";
import type { Plan } from "../../src/supervisor/plan/plan.ts";
import { seededRandom } from "../support/random.ts";

function planOf(limits: Partial<{ connections: number; perClient: number; handshakesPerSecond: number }>): Plan {
  const all = { connections: 0, perClient: 0, handshakesPerSecond: 0, backlog: 1, ...limits };
  return { config: { listeners: [{ name: "web", limits: all }] }, listeners: [] } as unknown as Plan;
}

/** The limits of several workers on one memory. */
function workers(limits: Parameters<typeof planOf>[0], count = 2) {
  const shared = new SharedLimits(1000);
  const plan = planOf(limits);
  const slots = Array.from({ length: count }, () => shared.takeSlot());
  const buffers = shared.allocate(plan).web;
  shared.set(plan);
  return { shared, slots, limits: slots.map((slot) => new Limits(buffers, slot)), memory: mapLimits(buffers) };
}

Deno.test("Limits gives as many places as there are, over all workers, and wakes who waits", async () => {
  const { limits: [a, b] } = workers({ connections: 3 });
  assert.deepEqual([a.tryTake(), b.tryTake(), a.tryTake(), b.tryTake(), a.tryTake()], [true, true, true, false, false]);
  let full = 0;
  const waiting = b.takeWhenFree(() => false, () => full++);
  a.giveBack();
  assert.equal(await waiting, true);
  assert.equal(full, 1);
  assert.equal(a.tryTake(), false);
});

Deno.test("Limits lets nobody wait who has given up", async () => {
  const { limits: [a] } = workers({ connections: 1 });
  a.take();
  let given = false;
  const waiting = a.takeWhenFree(() => given, () => {});
  given = true;
  a.wake();
  assert.equal(await waiting, false);
});

Deno.test("Limits lets the handshakes of a second begin at once where none can wait, over all workers", () => {
  const { limits: [a, b] } = workers({ handshakesPerSecond: 4 });
  const begins = (nowMs: number) => [a, b, a, b, a, b].map((worker) => worker.tryHandshake(nowMs));
  assert.deepEqual(begins(10_000), [true, true, true, true, false, false]);
  assert.deepEqual(begins(10_249), [false, false, false, false, false, false]);
  assert.deepEqual(begins(10_250), [true, false, false, false, false, false]);
  assert.deepEqual(begins(10_750), [true, true, false, false, false, false]);
  assert.deepEqual(begins(90_000), [true, true, true, true, false, false]);
});

Deno.test("Limits counts a client over all workers, an IPv6 one by its /64", () => {
  const { limits: [a, b] } = workers({ perClient: 2 });
  assert.deepEqual(["::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"].map((client) => a.admit(client)), [
    true,
    true,
    false,
  ]);
  assert.equal(b.admit("192.0.2.1"), false);
  assert.equal(b.admit("192.0.2.2"), true);
  a.release("192.0.2.1");
  assert.equal(b.admit("192.0.2.1"), true);
  assert.deepEqual(["2001:db8::1", "2001:db8::2", "2001:db8:0:0:1::1"].map((client) => b.admit(client)), [
    true,
    true,
    false,
  ]);
  assert.equal(a.admit("2001:db8:0:1::1"), true);
  assert.deepEqual(["", "", ""].map((client) => a.admit(client)), [true, true, true]);
});

Deno.test("SharedLimits gives back all that a dead worker had", () => {
  const { shared, slots, limits: [a, b], memory } = workers({ connections: 4, perClient: 2 });
  for (const client of ["192.0.2.1", "192.0.2.1", "192.0.2.2"]) assert.ok(a.tryTake() && a.admit(client));
  assert.ok(b.tryTake() && b.admit("192.0.2.2"));
  assert.equal(b.tryTake(), false);
  assert.equal(b.admit("192.0.2.1"), false);
  shared.freeSlot(slots[0]);
  assert.equal(memory.header[TOTAL], 1);
  assert.deepEqual([b.admit("192.0.2.1"), b.admit("192.0.2.1"), b.admit("192.0.2.1")], [true, true, false]);
  assert.deepEqual([b.admit("192.0.2.2"), b.admit("192.0.2.2")], [true, false]);
  assert.equal(shared.takeSlot(), slots[0]);
});

Deno.test("Limits spaces handshakes after a small burst", () => {
  const { limits: [a, b] } = workers({ handshakesPerSecond: 100 });
  // 100 ms of burst are ten handshakes and the one that is due; every other comes 10 ms after the one before.
  const delays = Array.from({ length: 31 }, (_, index) => (index % 2 === 0 ? a : b).handshakeDelayMs(1000));
  assert.deepEqual(delays.slice(0, 11), Array(11).fill(0));
  assert.equal(Math.round(delays[30]), 200);
  assert.equal(a.handshakeDelayMs(5000), 0);
});

Deno.test("ClientCounts is a map, whatever collides, comes and goes", () => {
  const random = seededRandom(7);
  const counts = new ClientCounts(new Int32Array(allocateClients(64)));
  const model = new Map<string, number>();
  for (let step = 0; step < 20_000; step++) {
    const slot = Math.floor(random() * 4);
    const client = `192.0.2.${Math.floor(random() * 20)}`;
    const key = clientKey(client)!;
    const name = `${slot} ${client}`;
    const count = model.get(name) ?? 0;
    if (random() < 0.001) {
      counts.removeAll(slot);
      for (const other of [...model.keys()]) if (other.startsWith(`${slot} `)) model.delete(other);
    } else if (random() < 0.5) {
      assert.equal(counts.add(slot, key), true);
      model.set(name, count + 1);
    } else if (count > 0) {
      counts.remove(slot, key);
      model.set(name, count - 1);
    }
    assert.equal(counts.get(slot, key), model.get(name) ?? 0, `step ${step}`);
  }
});

Deno.test("ClientCounts refuses more than it has room for", () => {
  const counts = new ClientCounts(new Int32Array(8 * 4));
  const added = Array.from({ length: 9 }, (_, index) => counts.add(0, clientKey(`192.0.2.${index}`)!));
  assert.deepEqual(added, [...Array(8).fill(true), false]);
});
