import assert from "node:assert/strict";
import { Libc } from "../../src/linux/libc.ts";
import { type GroupSocket, SocketGroup } from "../../src/supervisor/sockets/socket_group.ts";
import type { SocketCalls } from "../../src/linux/socket_calls.ts";
import { makeHashKey } from "../../src/linux/steering_program.ts";
import { ClientSteering, WeightedSteering } from "../../src/supervisor/sockets/steering.ts";
import { once } from "node:events";
import { connect } from "node:net";
import { seededRandom } from "../support/random.ts";

const libc = new Libc();

/** Listening sockets that share a port and count what comes to each. */
class Listeners {
  readonly port: number;
  readonly group = new SocketGroup(libc);
  readonly counts = new Map<GroupSocket, number>();
  readonly #listeners = new Map<GroupSocket, Deno.TcpListener>();
  #first: Deno.TcpListener | null;

  constructor() {
    this.#first = Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort: true });
    this.port = this.#first.addr.port;
  }

  open(): GroupSocket {
    const before = new Set(libc.openFds());
    const listener = this.#first ?? Deno.listen({ hostname: "127.0.0.1", port: this.port, reusePort: true });
    this.#first = null;
    const fd = libc.newListenerFd({ hostname: "127.0.0.1", port: this.port }, before);
    const member = this.group.join(fd!);
    this.counts.set(member, 0);
    this.#listeners.set(member, listener);
    void this.#accept(member, listener);
    return member;
  }

  close(member: GroupSocket): void {
    this.#listeners.get(member)?.close();
    this.#listeners.delete(member);
    this.group.leave(member);
  }

  /** Connects so often, and returns who got how many. */
  async connect(times: number): Promise<Map<GroupSocket, number>> {
    for (const member of this.counts.keys()) this.counts.set(member, 0);
    for (let index = 0; index < times; index++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
      await conn.read(new Uint8Array(1));
      conn.close();
    }
    return new Map([...this.counts].filter(([, count]) => count > 0));
  }

  /** Connects from an address of the loopback network, and returns who got it. */
  async connectFrom(localAddress: string): Promise<GroupSocket> {
    for (const member of this.counts.keys()) this.counts.set(member, 0);
    const socket = connect({ host: "127.0.0.1", port: this.port, localAddress });
    socket.resume();
    await once(socket, "close");
    const [member] = [...this.counts].find(([, count]) => count > 0)!;
    return member;
  }

  [Symbol.dispose](): void {
    for (const member of [...this.#listeners.keys()]) this.close(member);
  }

  async #accept(member: GroupSocket, listener: Deno.TcpListener): Promise<void> {
    try {
      for await (const conn of listener) {
        this.counts.set(member, this.counts.get(member)! + 1);
        conn.close();
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

const evenly = (members: Iterable<GroupSocket>) =>
  new WeightedSteering(new Map([...members].map((member) => [member, 1])));

Deno.test("SocketGroup steers to those it chose, whoever joins and leaves, beyond 128 members", async () => {
  using listeners = new Listeners();
  const { group } = listeners;
  const random = seededRandom(4);
  const members: GroupSocket[] = [];
  for (let round = 0; round < 300; round++) {
    for (let joins = 1 + Math.floor(random() * 4); joins > 0; joins--) members.push(listeners.open());
    const chosen = new Set(members.slice(-2));
    group.steer(evenly(chosen));
    for (const member of [...members]) {
      if (chosen.has(member) || random() > 0.01) continue;
      members.splice(members.indexOf(member), 1);
      listeners.close(member);
    }
    for (const member of (await listeners.connect(3)).keys()) {
      assert.ok(chosen.has(member), `round ${round}, ${group.size} members`);
    }
  }
  assert.ok(group.size > 128, `${group.size}`);
});

Deno.test("SocketGroup gives every client to the member that its address belongs to, whoever else joins and leaves", async () => {
  using listeners = new Listeners();
  const { group } = listeners;
  const old = listeners.open();
  const members = [1, 2, 3].map(() => listeners.open());
  const key = makeHashKey();
  const owners = Array.from({ length: 256 }, (_, bucket) => members[bucket % members.length]);
  group.steer(new ClientSteering(owners, key));
  const clients = Array.from({ length: 30 }, (_, index) => `127.0.${index}.${index + 1}`);
  const first = new Map<string, GroupSocket>();
  for (const client of clients) first.set(client, await listeners.connectFrom(client));
  assert.deepEqual(new Set(first.values()), new Set(members));
  // The last member takes the number of the one that leaves.
  listeners.close(old);
  listeners.open();
  for (const client of clients) assert.equal(await listeners.connectFrom(client), first.get(client), client);
  const [gone, ...stay] = members;
  listeners.close(gone);
  for (const client of clients) {
    const now = await listeners.connectFrom(client);
    if (first.get(client) === gone) assert.ok(stay.includes(now), client);
    else assert.equal(now, first.get(client), client);
  }
});

Deno.test("SocketGroup lives with a kernel that lets only root drop packets", () => {
  let asked = 0;
  const calls: Partial<SocketCalls> = {
    setTcpOptions() {},
    duplicate: (fd) => fd,
    attachFilter() {
      asked++;
      throw new Error("Operation not permitted");
    },
  };
  const group = new SocketGroup(calls as SocketCalls);
  group.refuseNew(group.join(3));
  assert.equal(asked, 1);
});
