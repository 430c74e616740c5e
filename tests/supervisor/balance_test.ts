import assert from "node:assert/strict";
import type { Address } from "../../src/config/config.ts";
import { Balancer } from "../../src/proxy/balance.ts";
import { Backend, echo, readExactly } from "../support/backend.ts";
import { Proxy, TempDir } from "../support/proxy.ts";
import { pause } from "../support/wait.ts";

const NAMES = ["a", "b", "c"];
const ADDRESSES: Address[] = NAMES.map((path) => ({ transport: "unix", path }));

function order(balancer: Balancer, nowMs: number): string {
  return balancer.candidates(nowMs).map(({ name }) => name).join("");
}

Deno.test("Balancer goes round, from where it is told to begin", () => {
  const balancer = new Balancer(ADDRESSES, NAMES, "round-robin", 1);
  assert.deepEqual([0, 1, 2, 3].map((now) => order(balancer, now)), ["bca", "cab", "abc", "bca"]);
});

Deno.test("Balancer prefers whoever has fewest connections", () => {
  const balancer = new Balancer(ADDRESSES, NAMES, "least-conn");
  const [a, b, c] = balancer.backends;
  for (const backend of [a, a, b]) balancer.connected(backend);
  assert.equal(order(balancer, 0), "cba");
  balancer.connected(c);
  balancer.connected(c);
  balancer.released(b);
  assert.equal(order(balancer, 0)[0], "b");
});

Deno.test("Balancer lets a backend cool down that failed, longer each time, and then one connection try it", () => {
  const balancer = new Balancer(ADDRESSES.slice(0, 2), NAMES, "least-conn");
  const [a, b] = balancer.backends;
  balancer.connected(b);
  // Many at once are one failure.
  for (let count = 0; count < 20; count++) balancer.failed(a, 0);
  assert.deepEqual([order(balancer, 1), order(balancer, 999)], ["ba", "ba"]);
  assert.deepEqual([order(balancer, 1000), order(balancer, 1000)], ["ab", "ba"]);
  balancer.failed(a, 1001);
  assert.equal(order(balancer, 2500), "ba");
  assert.equal(order(balancer, 3001), "ab");
  balancer.connected(a);
  balancer.released(a);
  assert.deepEqual([order(balancer, 3002), order(balancer, 3002)], ["ab", "ab"]);
});

Deno.test("Balancer tries again when nothing is heard of the connection that tried", () => {
  const balancer = new Balancer(ADDRESSES.slice(0, 2), NAMES, "least-conn");
  balancer.connected(balancer.backends[1]);
  balancer.failed(balancer.backends[0], 0);
  assert.equal(order(balancer, 1000), "ab");
  assert.equal(order(balancer, 5999), "ba");
  assert.equal(order(balancer, 6000), "ab");
});

Deno.test("proxy serves every client while one of two backends is gone, and uses it again when it is back", async () => {
  using dir = new TempDir();
  await using stable = new Backend(dir.file("stable.sock"), echo);
  let other = new Backend(dir.file("other.sock"), echo);
  await using proxy = await Proxy.start(dir, [other.address, stable.address], { config: { workers: 2 } });
  const clients = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const client = await proxy.connect();
      await client.write(Uint8Array.of(1));
      await readExactly(client, 1);
      client.close();
    }
  };
  await clients(20);
  assert.ok(other.accepted > 0);
  await other[Symbol.asyncDispose]();
  await clients(20);
  other = new Backend(dir.file("other.sock"), echo);
  await pause(1_100);
  await clients(20);
  assert.ok(other.accepted > 0, "it is used again");
  await other[Symbol.asyncDispose]();
});

Deno.test("proxy goes on to the next backend in time when one does not answer", async () => {
  using dir = new TempDir();
  await using stable = new Backend(dir.file("stable.sock"), echo);
  // A listener whose queue is full takes no connection and refuses none.
  const full = Deno.listen({ transport: "unix", path: dir.file("full.sock") });
  const waiting = [];
  for (;;) {
    const connecting = Deno.connect({ transport: "unix", path: dir.file("full.sock") }).catch(() => null);
    const conn = await connecting;
    if (conn === null) break;
    waiting.push(conn);
  }
  await using proxy = await Proxy.start(dir, [`unix:${dir.file("full.sock")}`, stable.address], {
    listener: { balance: "round-robin", timeouts: { connect: "2s" } },
  });
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await readExactly(client, 1);
  client.close();
  for (const conn of waiting) conn.close();
  full.close();
});
