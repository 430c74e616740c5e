import assert from "node:assert/strict";
import { ConnectDeadlines } from "../../src/engines/bun/connect_deadlines.ts";

/** A connect that is to be over in so many milliseconds. */
function connectOf(leftMs: number) {
  let expired = () => {};
  const expiry = new Promise<void>((resolve) => expired = resolve);
  return { deadline: performance.now() + leftMs, expire: () => expired(), expiry };
}

Deno.test("ConnectDeadlines ends connects at their deadlines, in whatever order they begin, and none that is over", async () => {
  const deadlines = new ConnectDeadlines();
  const ended: string[] = [];
  const watch = (name: string, leftMs: number) => {
    const connect = connectOf(leftMs);
    deadlines.add(connect);
    return { connect, ended: connect.expiry.then(() => ended.push(name)) };
  };
  const over = watch("over", 5);
  const endless = watch("endless", Infinity);
  const late = watch("late", 40);
  const early = watch("early", 10);
  deadlines.delete(over.connect);
  // Its timer does not keep a process alive, so this one does.
  const alive = setInterval(() => {}, 1000);
  await late.ended;
  assert.deepEqual(ended, ["early", "late"]);
  await early.ended;
  // The timer is set again after all deadlines have passed.
  await watch("next", 5).ended;
  assert.deepEqual(ended, ["early", "late", "next"]);
  deadlines.delete(endless.connect);
  clearInterval(alive);
});
