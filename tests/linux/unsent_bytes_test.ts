import assert from "node:assert/strict";
import { libc } from "../../src/linux/thread_libc.ts";
import { isUnlisted } from "../../src/engines/node/is_unlisted.ts";
import { readUnsent } from "../../src/linux/proc_net_tcp.ts";
import type { ConnectionEnds } from "../../src/linux/endpoint_key.ts";
import { reset } from "../support/applications/tcp_backend.ts";
import { until } from "../support/wait.ts";

const ways: [name: string, ask: (connections: ConnectionEnds[]) => (number | null)[] | Promise<(number | null)[]>][] = [
  ["sock_diag", (connections) => libc.unsentBytesOf(connections)],
  ["/proc/net/tcp", readUnsent],
];

const endsOf = ({ localAddr, remoteAddr }: Deno.TcpConn) => ({ local: localAddr, remote: remoteAddr });

for (const [name, ask] of ways) {
  Deno.test(`The kernel says by ${name} what a peer has not taken, over IPv4, IPv6 and both at once`, async () => {
    const connections: Deno.TcpConn[] = [];
    for (const [listen, connect] of [["127.0.0.1", "127.0.0.1"], ["::1", "::1"], ["::", "127.0.0.1"]]) {
      using listener = Deno.listen({ hostname: listen, port: 0 });
      const client = await Deno.connect({ hostname: connect, port: listener.addr.port });
      connections.push(await listener.accept(), client);
    }
    // The accepted ones write to clients that read nothing until more does not fit.
    const serving = connections.filter((_, index) => index % 2 === 0);
    let taken = 0;
    const writing = serving.map(async (conn) => {
      const bytes = new Uint8Array(1_000_000);
      for (;;) taken += await conn.write(bytes);
    });
    const ended = Promise.allSettled(writing);
    let held: (number | null)[] = [];
    await until(async () => {
      const before = held.concat(taken);
      held = await ask(connections.map(endsOf));
      return String(before) === String(held.concat(taken)) &&
        held.every((bytes, index) => bytes! > 0 === (index % 2 === 0));
    }, "nothing more fits");
    const client = connections[1];
    await client.read(new Uint8Array(1_000_000));
    await until(async () => (await ask([endsOf(serving[0])]))[0] !== held[0], "the reader has made room");
    const nobody = { ...endsOf(client), remote: { hostname: "192.0.2.1", port: 9 } };
    // As an address of IPv4 comes from an IPv6 socket, and as engines write it.
    const plain = (end: Deno.NetAddr) => ({ hostname: end.hostname.replace("::ffff:", ""), port: end.port });
    const mapped = { local: plain(serving[2].localAddr), remote: plain(serving[2].remoteAddr) };
    await until(async () => {
      const [none, byPlain] = await ask([nobody, mapped]);
      assert.equal(none, null);
      // Between two questions the peer's kernel may have made room.
      const [own] = await ask([endsOf(serving[2])]);
      return own! > 0 && byPlain === own;
    }, "the plain form has the same answer");
    for (const conn of connections) conn.close();
    await ended;
  });
}

Deno.test("sock_diag answers for more connections than fit into one question", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clients: Deno.TcpConn[] = [];
  const served: Deno.TcpConn[] = [];
  for (let index = 0; index < 100; index++) {
    clients.push(await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }));
    served.push(await listener.accept());
  }
  assert.deepEqual(libc.unsentBytesOf([...clients, ...served].map(endsOf)), Array(200).fill(0));
  for (const conn of [...clients, ...served]) conn.close();
});

const tellers: [name: string, isReset: (ends: ConnectionEnds) => boolean | Promise<boolean>][] = [
  ["isReset", (ends) => libc.isReset(ends)],
  ["isUnlisted", isUnlisted],
];

for (const [name, isReset] of tellers) {
  Deno.test(`${name}() tells a connection that was reset from one that was not, whether its listener is there or not`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connect = async (): Promise<[client: Deno.TcpConn, served: Deno.TcpConn]> => [
      await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      await listener.accept(),
    ];
    const [leaving, left] = await connect();
    const [ending, ended] = await connect();
    assert.deepEqual([await isReset(endsOf(left)), await isReset(endsOf(ended))], [false, false]);
    const ends = endsOf(left);
    reset(leaving);
    await assert.rejects(left.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    ending.closeWrite();
    assert.equal(await ended.read(new Uint8Array(1)), null);
    assert.deepEqual([await isReset(ends), await isReset(endsOf(ended))], [true, false]);
    assert.deepEqual(libc.unsentBytesOf([ends, endsOf(ended)]), [null, 0]);
    listener.close();
    assert.equal(await isReset(ends), true);
    for (const conn of [leaving, left, ending, ended]) conn.close();
  });
}
