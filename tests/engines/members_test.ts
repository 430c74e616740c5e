import assert from "node:assert/strict";
import { type Member, Members, NO_PLACE } from "../../src/engines/shared/members.ts";

function setUp(count: number) {
  const members = new Members<Member & { id: number }>();
  const all = Array.from({ length: count }, (_, id) => ({ id, place: NO_PLACE }));
  for (const member of all) members.add(member);
  const ids = () => [...members.keys()].map(({ id }) => id).sort((a, b) => a - b);
  return { members, all, ids };
}

Deno.test("Members keeps who has come until it leaves, and knows who is none", () => {
  const { members, all, ids } = setUp(5);
  assert.equal(members.delete(all[1]), true);
  assert.equal(members.delete(all[4]), true);
  assert.deepEqual(ids(), [0, 2, 3]);
  assert.equal(members.delete(all[1]), false, "has left already");
  assert.equal(members.delete({ id: 0, place: 0 }), false, "was never here");
  members.add(all[1]);
  assert.deepEqual([ids(), members.size], [[0, 1, 2, 3], 4]);
});

Deno.test("Members may leave, in any number, while all are gone through", () => {
  const { members, all, ids } = setUp(10);
  const seen = new Set<number>();
  for (const member of members.keys()) {
    seen.add(member.id);
    if (member.id % 2 === 0) members.delete(member);
    if (member.id === 7) { for (const one of all.slice(5)) members.delete(one); }
  }
  assert.ok([0, 1, 2, 3, 4, 7, 8, 9].every((id) => seen.has(id)), [...seen].join());
  assert.deepEqual(ids(), [1, 3]);
});

/** Prints how many MB of 20 are left of what has come and gone, without a full collection. */
const PROGRAM = `
  import { Members } from ${JSON.stringify(import.meta.resolve("../../src/engines/shared/members.ts"))};
  const members = new Members();
  const live = [];
  gc();
  const before = Deno.memoryUsage().heapUsed;
  for (let count = 0; count < 20_000; count++) {
    const member = { place: -1, rest: new Array(128).fill(count) };
    members.add(member);
    if (live.push(member) > 3) members.delete(live.shift());
  }
  console.log(Math.round((Deno.memoryUsage().heapUsed - before) / 1e6));
`;

Deno.test("what has left Members is garbage for the next small collection", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--expose-gc,--max-semi-space-size=1,--initial-heap-size=256", PROGRAM],
  }).output();
  const left = new TextDecoder().decode(stdout).trim();
  assert.match(left, /^-?\d+$/, new TextDecoder().decode(stderr));
  assert.ok(Number(left) < 8, `${left} of 20 MB are left`);
});
