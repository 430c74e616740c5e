import assert from "node:assert/strict";
import { MAX_RECORD, RecordGatherer } from "../../src/engines/deno/record_gatherer.ts";

/** A source of reads: each settles at once with a number of bytes, `null` or an error, or waits for `later`. */
function source(...script: (number | null | Error | "wait")[]) {
  let next = 0;
  const later: ((count: number | null) => void)[] = [];
  let value = 0;
  const fill = (space: Uint8Array, count: number | null) => {
    if (count !== null) space.subarray(0, count).fill(++value);
    return count;
  };
  return {
    later,
    reads: () => next,
    read: (space: Uint8Array<ArrayBuffer>): Promise<number | null> => {
      assert.equal(space.length, MAX_RECORD);
      const step = script[next++];
      if (step === undefined) throw new Error("read too often");
      if (step instanceof Error) return Promise.reject(step);
      if (step === "wait") return new Promise((resolve) => later.push((count) => resolve(fill(space, count))));
      return Promise.resolve(fill(space, step));
    },
  };
}

const firsts = (chunk: Uint8Array | null) =>
  chunk && Array.from({ length: Math.ceil(chunk.length / MAX_RECORD) }, (_, i) => chunk[i * MAX_RECORD]);

Deno.test("RecordGatherer gathers what waits, to the end of its buffer", async () => {
  const { read } = source(MAX_RECORD, MAX_RECORD, MAX_RECORD, MAX_RECORD, MAX_RECORD, 100, null);
  const gatherer = new RecordGatherer(read);
  const first = await gatherer.read();
  assert.equal(first?.length, 4 * MAX_RECORD);
  assert.deepEqual(firsts(first), [1, 2, 3, 4]);
  assert.equal(gatherer.drained, false);
  const second = await gatherer.read();
  assert.equal(second?.length, MAX_RECORD + 100);
  assert.deepEqual(firsts(second), [5, 6]);
  assert.equal(gatherer.drained, true);
});

Deno.test("RecordGatherer holds nothing back for a read that waits, and loses nothing of it", async () => {
  const { read, later } = source(MAX_RECORD, "wait", 7);
  const gatherer = new RecordGatherer(read);
  const first = await gatherer.read();
  assert.equal(first?.length, MAX_RECORD);
  const reading = gatherer.read();
  later[0](MAX_RECORD);
  const second = await reading;
  assert.equal(second?.length, MAX_RECORD + 7);
  assert.deepEqual(firsts(second), [2, 3]);
  // The chunk handed out before was not written over while it could still be in use.
  assert.equal(first?.[0], 1);
});

Deno.test("RecordGatherer tells of the end and of a failure only after what came before", async () => {
  const ended = new RecordGatherer(source(MAX_RECORD, null).read);
  assert.equal((await ended.read())?.length, MAX_RECORD);
  assert.equal(await ended.read(), null);
  const failed = new RecordGatherer(source(MAX_RECORD, new Error("reset")).read);
  assert.equal((await failed.read())?.length, MAX_RECORD);
  await assert.rejects(failed.read(), /reset/);
});

Deno.test("RecordGatherer is drained by a record that is not full", async () => {
  const { read, reads } = source(MAX_RECORD - 1);
  const gatherer = new RecordGatherer(read);
  assert.equal((await gatherer.read())?.length, MAX_RECORD - 1);
  assert.equal(gatherer.drained, true);
  assert.equal(reads(), 1);
});
