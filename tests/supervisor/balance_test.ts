import assert from "node:assert/strict";
import type { Address } from "../../src/net/address.ts";
import { Balancer } from "../../src/proxy/balance.ts";
import { Backend, echo, readExactly, silent } from "../support/backend.ts";
import { Proxy, TempDir } from "../support/proxy.ts";
import { until } from "../support/wait.ts";

const NAMES = ["a", "b", "c"];
const ADDRESSES: Address[] = NAMES.map((path) => ({ transport: "unix", path }));

function order(balancer: Balancer, nowMs: number): string {
  return balancer.candidates(nowMs).map(({ name }) => name).join("");
}

/** Takes no connection and refuses none: a listener whose queue is full. */
class FullSocket implements Disposable {
  readonly address: string;
  readonly #listener: Deno.Listener;
  readonly #waiting: Deno.Conn[];

  private constructor(path: string, listener: Deno.Listener, waiting: Deno.Conn[]) {
    this.address = `unix:${path}`;
    this.#listener = listener;
    this.#waiting = waiting;
  }

  static async open(path: string): Promise<FullSocket> {
    const listener = Deno.listen({ transport: "unix", path });
    const waiting = [];
    for (;;) {
      const conn = await Deno.connect({ transport: "unix", path }).catch(() => null);
      if (conn === null) return new FullSocket(path, listener, waiting);
      waiting.push(conn);
    }
  }

  [Symbol.dispose](): void {
    for (const conn of this.#waiting) conn.close();
    this.#listener.close();
  }
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
  await until(async () => {
    await clients(1);
    return other.accepted > 0;
  }, "it is used again");
  await other[Symbol.asyncDispose]();
});

Deno.test("proxy goes on to the next backend in time when one does not answer", async () => {
  using dir = new TempDir();
  await using stable = new Backend(dir.file("stable.sock"), echo);
  using full = await FullSocket.open(dir.file("full.sock"));
  await using proxy = await Proxy.start(dir, [full.address, stable.address], {
    listener: { balance: "round-robin", timeouts: { connect: "2s" } },
  });
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await readExactly(client, 1);
  client.close();
});

Deno.test("proxy gives up at the connect deadline, however many backends do not answer", async () => {
  using dir = new TempDir();
  using first = await FullSocket.open(dir.file("1.sock"));
  using second = await FullSocket.open(dir.file("2.sock"));
  using third = await FullSocket.open(dir.file("3.sock"));
  using fourth = await FullSocket.open(dir.file("4.sock"));
  const backends = [first, second, third, fourth].map(({ address }) => address);
  await using proxy = await Proxy.start(dir, backends, { listener: { timeouts: { connect: "2s" } } });
  const client = await proxy.connect();
  assert.equal(await client.read(new Uint8Array(1)), null);
  client.close();
  const { reason, duration_ms } = await proxy.program.record(({ event }) => event === "connection");
  assert.equal(reason, "backend-unreachable");
  assert.ok(Number(duration_ms) < 6_000, `${duration_ms} ms`);
});

Deno.test("proxy gives each backend its turn, or new connections to whoever has fewest", async () => {
  using dir = new TempDir();
  const names = ["a", "b"];
  await using first = new Backend(dir.file("a.sock"), (conn) => introduce(conn, "a"));
  await using second = new Backend(dir.file("b.sock"), (conn) => introduce(conn, "b"));
  const backends = [first.address, second.address];
  for (const balance of ["round-robin", "least-conn"]) {
    await using proxy = await Proxy.start(dir, backends, { listener: { balance } });
    const open: { client: Deno.Conn; name: string }[] = [];
    const come = async (count: number) => {
      const from = open.length;
      for (; count > 0; count--) {
        const client = await proxy.connect();
        open.push({ client, name: new TextDecoder().decode(await readExactly(client, 1)) });
      }
      return names.map((name) => open.slice(from).filter((one) => one.name === name).length);
    };
    assert.deepEqual(await come(8), [4, 4]);
    for (const { client, name } of open) if (name === "a") client.close();
    await until(() => proxy.program.connections().length === 4, "they have ended");
    assert.deepEqual(await come(4), balance === "least-conn" ? [4, 0] : [2, 2]);
    for (const { client } of open.filter(({ name }, index) => name === "b" || index >= 8)) client.close();
  }
});

/** Says its name, and waits for the other side to leave. */
async function introduce(conn: Deno.Conn, name: string): Promise<void> {
  await conn.write(new TextEncoder().encode(name));
  await silent(conn);
}
