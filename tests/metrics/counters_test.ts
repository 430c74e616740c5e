import assert from "node:assert/strict";
import { Counters } from "../../src/metrics/counters.ts";
import { type ListenerShape, mapRows, ROUTE, rowsSize } from "../../src/metrics/rows.ts";

/** Numbers of workers with one listener; each counts one byte for each route, and ends when the next one has begun. */
class Reloads {
  readonly counters = new Counters();
  #id = 0;

  reload(routes: string[]): void {
    const shape: ListenerShape = {
      name: "web",
      backends: [],
      routes: routes.map((name) => ({ name, backends: ["unix:/app.sock"] })),
    };
    const buffer = new SharedArrayBuffer(rowsSize([shape]));
    for (const { row, backends } of mapRows(buffer, [shape])[0].routes) {
      row[ROUTE.bytesIn] = 1;
      backends[0].row[0] = 1;
    }
    this.counters.add(++this.#id, 0, buffer, [shape], this.#id);
    this.end(this.#id - 1);
  }

  end(id = this.#id): void {
    this.counters.remove(id);
  }

  /** Bytes of a route, and what was counted for its backend. */
  of(name: string): (number | undefined)[] {
    const [{ routes, backends }] = this.counters.totals();
    return [
      routes.find((route) => route.name === name)?.row[ROUTE.bytesIn],
      backends.find(({ route }) => route === name)?.row[0],
    ];
  }
}

Deno.test("Counters keep the numbers of routes in use apart over reloads, however many there are", () => {
  const names = Array.from({ length: 1000 }, (_, number) => `route ${number}`);
  const reloads = new Reloads();
  for (let count = 1; count <= 3; count++) {
    reloads.reload(names);
    for (const name of [names[0], names[999]]) assert.deepEqual(reloads.of(name), [count, count], name);
  }
  reloads.end();
  assert.deepEqual(reloads.of(names[999]), [3, 3], "a worker that dies is replaced");
  assert.deepEqual(reloads.of("(removed)"), [undefined, undefined]);
});

Deno.test("Counters count the oldest former routes together, and lose nothing of them", () => {
  const reloads = new Reloads();
  for (let count = 0; count < 300; count++) reloads.reload(["stays", `route ${count}`]);
  assert.deepEqual(reloads.of("stays"), [300, 300]);
  assert.deepEqual(reloads.of("route 0"), [undefined, undefined]);
  assert.deepEqual(reloads.of("route 298"), [1, 1]);
  // 299 of them are former, and 256 of these are kept.
  assert.deepEqual(reloads.of("(removed)"), [43, 43]);
  const [{ routes, backends }] = reloads.counters.totals();
  assert.deepEqual([routes.length, backends.length], [259, 259]);
});
