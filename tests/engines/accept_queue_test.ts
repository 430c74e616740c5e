import assert from "node:assert/strict";
import { AcceptQueue } from "../../src/engines/shared/accept_queue.ts";
import { ConnError } from "../../src/engines/contract.ts";

const closed = { kind: "closed" };

Deno.test("AcceptQueue hands connections on in their order, and refuses more than its limit", async () => {
  const queue = new AcceptQueue<number>(2);
  assert.deepEqual([queue.push(1), queue.push(2), queue.push(3)], [true, true, false]);
  assert.equal(await queue.accept(), 1);
  assert.equal(queue.push(4), true);
  assert.deepEqual([await queue.accept(), await queue.accept()], [2, 4]);
  const waiting = queue.accept();
  queue.push(5);
  assert.equal(await waiting, 5);
});

Deno.test("AcceptQueue serves after its close whoever came before", async () => {
  const queue = new AcceptQueue<number>(2);
  queue.push(1);
  queue.close();
  assert.equal(queue.push(2), false);
  assert.equal(await queue.accept(), 1);
  await assert.rejects(queue.accept(), closed);
});

Deno.test("AcceptQueue tells whoever waits of a failure, or of its close, and goes on after a failure", async () => {
  const queue = new AcceptQueue<number>(2);
  const first = queue.accept();
  queue.fail(new ConnError("exhausted", "too many"));
  await assert.rejects(first, { kind: "exhausted" });
  queue.fail(new ConnError("exhausted", "too many"));
  await assert.rejects(queue.accept(), { kind: "exhausted" });
  const last = queue.accept();
  queue.close();
  await assert.rejects(last, closed);
});

Deno.test("AcceptQueue hands what waits and what comes to a receiver, and a failure and its close after them", () => {
  const queue = new AcceptQueue<number>(2);
  queue.push(1);
  queue.fail(new ConnError("exhausted", "too many"));
  const told: (number | string)[] = [];
  queue.handTo({ accepted: (connection) => told.push(connection), failed: ({ kind }) => told.push(kind) });
  assert.equal(queue.push(2), true);
  queue.fail(new ConnError("exhausted", "too many"));
  queue.close();
  queue.close();
  assert.equal(queue.push(3), false);
  assert.deepEqual(told, [1, "exhausted", 2, "exhausted", "closed"]);
});
