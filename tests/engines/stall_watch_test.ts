import assert from "node:assert/strict";
import { NO_PLACE } from "../../src/engines/shared/members.ts";
import { StallWatch } from "../../src/engines/node/stall_watch.ts";

function setUp(count: number) {
  let released = 0;
  const watch = new StallWatch(() => released++);
  const connections = Array.from(
    { length: count },
    () => ({ waiting: null as unknown, waitedBefore: null as unknown, place: NO_PLACE }),
  );
  for (const connection of connections) watch.add(connection);
  return {
    watch,
    connections,
    released: () => released,
    // Without a connection the timer ends, when memory was given back for the last time.
    end() {
      for (const connection of connections) watch.delete(connection);
      for (let turn = 0; turn < 10; turn++) watch.look();
    },
  };
}

Deno.test("memory is given back when many connections stall, and once more for the same ones", () => {
  const { watch, connections, released, end } = setUp(100);
  for (const connection of connections.slice(0, 50)) connection.waiting = {};
  watch.look();
  assert.equal(released(), 0, "what waits may go on until the next look");
  watch.look();
  assert.equal(released(), 1);
  for (let turn = 0; turn < 20; turn++) watch.look();
  assert.equal(released(), 2);
  for (const connection of connections.slice(50)) connection.waiting = {};
  watch.look();
  watch.look();
  assert.equal(released(), 3);
  end();
});

Deno.test("connections that move, or have nothing to move, do not stall", () => {
  const { watch, connections, released, end } = setUp(100);
  for (let turn = 1; turn <= 5; turn++) {
    for (const connection of connections.slice(0, 60)) connection.waiting = turn;
    watch.look();
  }
  assert.equal(released(), 0);
  end();
});

Deno.test("connections that stall one by one count together", () => {
  const { watch, connections, released, end } = setUp(40);
  for (const connection of connections.slice(0, 31)) {
    connection.waiting = {};
    watch.look();
  }
  watch.look();
  assert.equal(released(), 0);
  connections[31].waiting = {};
  watch.look();
  watch.look();
  assert.equal(released(), 1);
  end();
});

Deno.test("what many connections have held is given back when they stall no more, also when they were the last", () => {
  const { watch, connections, released, end } = setUp(100);
  for (const connection of connections) connection.waiting = {};
  for (let turn = 0; turn < 10; turn++) watch.look();
  assert.equal(released(), 2);
  for (const connection of connections.slice(0, 31)) watch.delete(connection);
  watch.look();
  assert.equal(released(), 2, "these few are not worth it");
  watch.delete(connections[31]);
  watch.look();
  assert.equal(released(), 3);
  end();
  assert.equal(released(), 5, "at once, and once more");
});
