import assert from "node:assert/strict";
import { BUCKETS, ClientBuckets } from "../../src/supervisor/sockets/client_buckets.ts";

function counts(owners: readonly number[], workers: number): number[] {
  return Array.from({ length: workers }, (_, worker) => owners.filter((owner) => owner === worker).length);
}

Deno.test("ClientBuckets shares the buckets out evenly, and moves no more of them than it must", () => {
  const buckets = new ClientBuckets();
  let before = buckets.owners(1);
  let workers = 1;
  for (const next of [2, 3, 8, 7, 1, 5, 256, 300, 4]) {
    const owners = buckets.owners(next);
    const owned = counts(owners, next);
    assert.equal(owned.reduce((sum, count) => sum + count, 0), BUCKETS);
    assert.ok(Math.max(...owned) - Math.min(...owned) <= 1, `${next} workers: ${owned}`);
    const moved = owners.filter((owner, bucket) => owner !== before[bucket]).length;
    const fewer = Math.min(next, workers);
    const least = BUCKETS - Math.min(...[next, workers].map((count) => Math.ceil(BUCKETS / count))) * fewer;
    assert.ok(moved <= least + fewer, `${workers} to ${next} workers moved ${moved}`);
    [before, workers] = [owners, next];
  }
});

Deno.test("ClientBuckets stays as it is while the number of workers does", () => {
  const buckets = new ClientBuckets();
  assert.deepEqual(buckets.owners(6), buckets.owners(6));
});
