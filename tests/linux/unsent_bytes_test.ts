import assert from "node:assert/strict";
import { libc } from "../../src/linux/thread_libc.ts";
import { readUnsent } from "../../src/linux/proc_net_tcp.ts";
import type { ConnectionEnds } from "../../src/linux/endpoint_key.ts";
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
    assert.deepEqual(await ask([nobody, mapped]), [null, held[4]]);
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
