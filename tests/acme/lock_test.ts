import assert from "node:assert/strict";
import { systemClock } from "../../src/acme/clock.ts";
import { takeLock } from "../../src/acme/lock.ts";
import { TempDir } from "../support/proxies/proxy.ts";

/** Sets the time of a file back, as if nobody had refreshed it for so long. */
function age(path: string, seconds: number): void {
  const time = new Date(Date.now() - seconds * 1000);
  Deno.utimeSync(path, time, time);
}

const take = (path: string) => takeLock(path, systemClock, { settleMs: 50 });

Deno.test("a lock is one process's until it is released, and names its owner", async () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  const first = await take(path);
  assert.ok(first);
  assert.match(Deno.readTextFileSync(path), new RegExp(`process ${Deno.pid}`));
  assert.equal(await take(path), null);
  await first.release();
  const second = await take(path);
  assert.ok(second);
  await second.release();
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("a lock that was not refreshed for half a minute is taken over, and its owner learns that", async () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  const dead = await takeLock(path, systemClock, { refreshMs: 60 });
  assert.ok(dead);
  age(path, 20);
  assert.equal(await take(path), null);
  age(path, 40);
  const heir = await take(path);
  assert.ok(heir);
  await new Promise<void>((resolve) => {
    if (dead.lost.aborted) return resolve();
    dead.lost.addEventListener("abort", () => resolve());
  });
  await dead.release();
  assert.ok(Deno.statSync(path).isFile, "the heir's lock is there still");
  await heir.release();
});

Deno.test("of many that find an abandoned lock at once, one has it", async () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  Deno.writeTextFileSync(path, "dead");
  age(path, 40);
  const taken = (await Promise.all(Array.from({ length: 8 }, () => take(path)))).filter((lock) => lock !== null);
  assert.equal(taken.length, 1);
  await taken[0].release();
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("an owner that lives keeps its lock fresh", async () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  const lock = await takeLock(path, systemClock, { refreshMs: 20 });
  age(path, 40);
  const fresh = () => Date.now() - Deno.statSync(path).mtime!.getTime() < 10_000;
  while (!fresh()) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await take(path), null);
  await lock!.release();
});
