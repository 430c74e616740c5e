import assert from "node:assert/strict";
import { Batches } from "../../src/engines/shared/batches.ts";

Deno.test("Batches answers at once what is asked in one turn, and together what is asked meanwhile", async () => {
  const asked: number[][] = [];
  let answered = Promise.withResolvers<void>();
  const batches = new Batches<number, number>(async (questions) => {
    asked.push(questions);
    await answered.promise;
    return questions.map((question) => 2 * question);
  });
  const first = [1, 2].map((question) => batches.ask(question));
  await Promise.resolve();
  const second = [3, 4, 5].map((question) => batches.ask(question));
  await Promise.resolve();
  assert.deepEqual(asked, [[1, 2]]);
  const go = answered;
  answered = Promise.withResolvers();
  go.resolve();
  assert.deepEqual(await Promise.all(first), [2, 4]);
  answered.resolve();
  assert.deepEqual(await Promise.all(second), [6, 8, 10]);
  assert.deepEqual(asked, [[1, 2], [3, 4, 5]]);
  assert.equal(await batches.ask(6), 12);
});

Deno.test("Batches fails all of a batch that cannot be answered, and goes on with the next", async () => {
  let fails = true;
  const batches = new Batches<number, number>((questions) => {
    if (fails) throw new Error("nobody knows");
    return questions;
  });
  const results = await Promise.allSettled([batches.ask(1), batches.ask(2)]);
  assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected"]);
  fails = false;
  assert.equal(await batches.ask(3), 3);
});
