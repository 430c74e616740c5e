import assert from "node:assert/strict";
import { Uptake } from "../../src/proxy/relay/uptake.ts";
import type { Conn } from "../../src/engines/contract.ts";

/** A connection for which the kernel holds these numbers of bytes, one after the other. */
function holding(...unsent: (number | null)[]): Conn {
  return { unsent: () => unsent.length > 1 ? unsent.shift()! : unsent[0] } as unknown as Conn;
}

Deno.test("Uptake tells whether a peer has taken bytes since the last look, whichever it is", async () => {
  for (const swapped of [false, true]) {
    const [one, other] = [holding(900, 900, 500, 700, 700), holding(10)];
    const uptake = swapped ? new Uptake(other, one, 0) : new Uptake(one, other, 0);
    const taken: boolean[] = [];
    for (const quarter of [1, 2, 3, 4, 5]) {
      assert.ok(uptake.isDue(quarter));
      taken.push(await uptake.look(quarter));
    }
    assert.deepEqual(taken, [false, false, true, true, false]);
  }
});

Deno.test("Uptake looks once at each quarter, and goes on after a restart with what it knows", async () => {
  const uptake = new Uptake(holding(900, 900, 800), holding(null), 0);
  assert.equal(await uptake.look(1), false);
  assert.equal(uptake.isDue(1), false);
  assert.equal(await uptake.look(2), false);
  uptake.restart(5);
  assert.equal(uptake.sinceMs, 5);
  assert.ok(uptake.isDue(1));
  assert.equal(await uptake.look(1), true);
});

Deno.test("Uptake does not ask again where the kernel held nothing, or nobody knows", async () => {
  let asked = 0;
  const client = { unsent: () => [0, null][asked++ % 2] } as unknown as Conn;
  for (const _ of ["nothing", "nobody knows"]) {
    const before = asked;
    const uptake = new Uptake(client, holding(null), 0);
    assert.equal(await uptake.look(1), false);
    assert.deepEqual([2, 3, 4].map((quarter) => uptake.isDue(quarter)), [false, false, true]);
    assert.equal(await uptake.look(4), false);
    assert.equal(asked, before + 1);
  }
});
