import assert from "node:assert/strict";
import type { Address } from "../../src/net/address.ts";
import { Balancer, type BalancerOptions } from "../../src/proxy/balance.ts";
import { allocateHealth, Health } from "../../src/proxy/health.ts";
import { Backend, echo, readExactly, silent } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/** A balancer of so many backends with these names; an upper-case name is a spare, and a digit its weight: "a3bC". */
function balancerOf(names: string, options: Partial<BalancerOptions> = {}): Balancer {
  const backends = [...names.matchAll(/([a-zA-Z])(\d?)/g)].map(([, name, weight]) => ({
    address: { transport: "unix", path: name } as Address,
    name,
    weight: Number(weight || 1),
    isSpare: name !== name.toLowerCase(),
    health: new Health(allocateHealth(), options.probed ? { rise: 2, fall: 3 } : { rise: 1, fall: 1 }),
  }));
  return new Balancer({ backends, balance: "least-conn", probed: false, ...options });
}

function order(balancer: Balancer, nowMs: number, client = ""): string {
  return balancer.candidates(nowMs, client).map(({ name }) => name).join("");
}

/** A listener whose queue is full: it neither takes nor refuses a connection. */
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
  const balancer = balancerOf("abc", { balance: "round-robin", turn: 1 });
  assert.deepEqual([0, 1, 2, 3].map((now) => order(balancer, now)), ["bca", "cab", "abc", "bca"]);
});

Deno.test("Balancer prefers whoever has fewest connections", () => {
  const balancer = balancerOf("abc");
  const [a, b, c] = balancer.backends;
  for (const backend of [a, a, b]) balancer.connected(backend);
  assert.equal(order(balancer, 0), "cba");
  balancer.connected(c);
  balancer.connected(c);
  balancer.released(b);
  assert.equal(order(balancer, 0)[0], "b");
});

Deno.test("Balancer lets a backend cool down that failed, longer each time, and then one connection try it", () => {
  const balancer = balancerOf("ab");
  const [a, b] = balancer.backends;
  balancer.connected(b);
  // Many failures at the same time count as one.
  for (let count = 0; count < 20; count++) balancer.failed(a, 0, "refused");
  assert.deepEqual([order(balancer, 1), order(balancer, 999)], ["ba", "ba"]);
  assert.deepEqual([order(balancer, 1000), order(balancer, 1000)], ["ab", "ba"]);
  balancer.failed(a, 1001, "refused");
  assert.equal(order(balancer, 2500), "ba");
  assert.equal(order(balancer, 3001), "ab");
  balancer.connected(a);
  balancer.released(a);
  assert.deepEqual([order(balancer, 3002), order(balancer, 3002)], ["ab", "ab"]);
});

Deno.test("Balancer tries again when nothing is heard of the connection that tried", () => {
  const balancer = balancerOf("ab");
  balancer.connected(balancer.backends[1]);
  balancer.failed(balancer.backends[0], 0, "refused");
  assert.equal(order(balancer, 1000), "ab");
  assert.equal(order(balancer, 5999), "ba");
  assert.equal(order(balancer, 6000), "ab");
});

Deno.test("Balancer gives turns and connections by weight", () => {
  const turns = balancerOf("a3b", { balance: "round-robin" });
  const first = Array.from({ length: 8 }, () => order(turns, 0)[0]).join("");
  assert.equal(first, "abaaabaa");
  const counts = balancerOf("a3b");
  for (let count = 0; count < 40; count++) counts.connected(counts.candidates(0, "")[0]);
  assert.deepEqual(counts.backends.map(({ active }) => active), [30, 10]);
});

Deno.test("Balancer gives turns by weight to those with equally few connections, whatever else there is", () => {
  const turns = (names: string, down: string, count: number) => {
    const balancer = balancerOf(names);
    for (const backend of balancer.backends) if (down.includes(backend.name)) balancer.failed(backend, 0, "refused");
    return Array.from({ length: count }, () => order(balancer, 1)[0]).toSorted().join("");
  };
  assert.equal(turns("abC", "", 6), "aaabbb");
  assert.equal(turns("abcd", "b", 6), "aaccdd");
  assert.equal(turns("a3bC", "", 8), "aaaaaabb");
  assert.equal(turns("abCD", "ab", 4), "CCDD");
});

Deno.test("Balancer takes spares only while no other backend is well", () => {
  const balancer = balancerOf("abC");
  const [a, b, spare] = balancer.backends;
  for (let count = 0; count < 5; count++) balancer.connected(a);
  balancer.failed(b, 0, "refused");
  assert.equal(order(balancer, 1), "aCb");
  balancer.failed(a, 0, "refused");
  assert.equal(order(balancer, 1)[0], "C");
  balancer.failed(spare, 0, "refused");
  assert.equal(order(balancer, 1), "baC", "all of them down: every one is tried all the same");
  balancer.connected(a);
  assert.equal(order(balancer, 1)[0], "a");
});

Deno.test("Balancer gives one client the same backend, and moves only the clients of one that leaves", () => {
  const client = (number: number) => `192.0.2.${number}`;
  const choices = (names: string, turn: number) => {
    const balancer = balancerOf(names, { balance: "client", turn });
    return Array.from({ length: 250 }, (_, number) => order(balancer, 0, client(number))[0]);
  };
  const all = choices("abcd", 0);
  assert.deepEqual(choices("abcd", 3), all, "whatever the worker, and whoever came before");
  for (const name of "abcd") assert.ok(all.filter((choice) => choice === name).length > 30, name);
  const without = choices("abd", 0);
  for (const [number, choice] of all.entries()) if (choice !== "c") assert.equal(without[number], choice);
  const weighted = choices("a4b", 0).filter((choice) => choice === "a").length;
  assert.ok(weighted > 170 && weighted < 230, `${weighted} of 250 with a weight of 4 to 1`);
  const balancer = balancerOf("abcd", { balance: "client" });
  assert.equal(order(balancer, 0, "2001:db8::1")[0], order(balancer, 0, "2001:db8::ffff")[0], "one /64 is one client");
});

Deno.test("Balancer leaves out what probes find down, and does not let it cool down once they find it well", () => {
  const told: string[] = [];
  const balancer = balancerOf("ab", {
    probed: true,
    changed: ({ name }, isUp, cause) => told.push(`${name} ${isUp} ${cause}`),
  });
  const [a, b] = balancer.backends;
  for (let count = 0; count < 5; count++) balancer.connected(b);
  assert.equal(order(balancer, 0), "ab");
  for (let count = 0; count < 3; count++) a.health.bad();
  assert.equal(order(balancer, 0), "ba");
  assert.deepEqual([a.health.good(), a.health.good()], [false, true]);
  assert.equal(order(balancer, 0), "ab");
  // Failed connects count as failed probes: the third, after it has cooled down twice, is one too many.
  balancer.failed(a, 0, "refused");
  balancer.failed(a, 1000, "refused");
  assert.deepEqual([a.health.isDown, told], [false, []]);
  balancer.failed(a, 3000, "refused");
  assert.deepEqual([a.health.isDown, told], [true, ["a false refused"]]);
  assert.equal(order(balancer, 100_000), "ba", "it stays out for as long as the probes say");
  a.health.good();
  a.health.good();
  assert.equal(order(balancer, 3001), "ab", "it has not to wait for the end of its cooling down");
});

Deno.test("Balancer tells without probes of each change that connections see", () => {
  const told: string[] = [];
  const balancer = balancerOf("ab", { changed: ({ name }, isUp) => told.push(`${name} ${isUp}`) });
  const [a] = balancer.backends;
  balancer.failed(a, 0, "refused");
  balancer.failed(a, 2000, "refused");
  assert.deepEqual(told, ["a false"]);
  balancer.connected(a);
  balancer.connected(a);
  assert.deepEqual(told, ["a false", "a true"]);
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

/** An application that sends its name, and waits for the other side to leave. */
async function introduce(conn: Deno.Conn, name: string): Promise<void> {
  await conn.write(new TextEncoder().encode(name));
  await silent(conn);
}
