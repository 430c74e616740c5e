import assert from "node:assert/strict";
import { FIRST_RECEIVE_BUFFER_BYTES } from "../../src/engines/shared/receive_buffers.ts";
import type { ConnectionEnds } from "../../src/linux/endpoint_key.ts";
import { libc } from "../../src/linux/thread_libc.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { until } from "../support/wait.ts";

const endsOf = ({ localAddr, remoteAddr }: Deno.TcpConn): ConnectionEnds => ({ local: localAddr, remote: remoteAddr });

Deno.test("a receive buffer that is bounded grows again once it is let", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = libc.listeningFds()[0];
  const connections: [client: Deno.TcpConn, served: Deno.TcpConn][] = [];
  const fds: number[] = [];
  for (let index = 0; index < 2; index++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const served = await listener.accept();
    connections.push([client, served]);
    const fd = libc.findAccepted(open, served.remoteAddr);
    assert.ok(fd !== undefined && libc.limitReceiveBuffer(fd, FIRST_RECEIVE_BUFFER_BYTES));
    fds.push(fd);
  }
  const taken = connections.map(() => 0);
  const writing = Promise.allSettled(connections.map(async ([client], index) => {
    const bytes = new Uint8Array(1_000_000);
    for (;;) taken[index] += await client.write(bytes);
  }));
  /** What the kernel holds for each reader, once no more fits. */
  const held = async (read: readonly number[]): Promise<number[]> => {
    let now: number[] = [];
    await until(() => {
      const last = now;
      const unsent = libc.unsentBytesOf(connections.map(([client]) => endsOf(client)));
      now = unsent.map((bytes, index) => taken[index] - bytes! - read[index]);
      return unsent.every((bytes) => bytes! > 0) && String(last) === String(now);
    }, "nothing more fits");
    return now;
  };
  for (const bytes of await held([0, 0])) {
    assert.ok(bytes > 0 && bytes <= 2 * FIRST_RECEIVE_BUFFER_BYTES, `${bytes} bytes are held`);
  }

  assert.ok(libc.freeReceiveBuffer(fds[1]));
  const buffer = new Uint8Array(256 * 1024);
  const read = [0, 0];
  for (const [index, [, served]] of connections.entries()) {
    while (read[index] < 16_000_000) read[index] += (await served.read(buffer))!;
  }
  const [bounded, freed] = await held(read);
  assert.ok(bounded <= 2 * FIRST_RECEIVE_BUFFER_BYTES, `${bounded} bytes are held of the bounded one`);
  assert.ok(freed > 2 * FIRST_RECEIVE_BUFFER_BYTES, `${freed} bytes are held of the one that was let grow`);
  for (const conn of connections.flat()) conn.close();
  await writing;
});

Deno.test("findAccepted() finds the descriptor of the newest connection beside older ones, and no other's", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = libc.listeningFds()[0];
  const connect = async () => {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const served = await listener.accept();
    return { client, served, fd: libc.findAccepted(open, served.remoteAddr) };
  };
  const made = [];
  for (let count = 0; count < 20; count++) made.push(await connect());
  // The next gets the lowest of the numbers that are free then, between those of older connections.
  for (const { client, served } of made.splice(5, 1)) for (const conn of [client, served]) conn.close();
  for (let count = 0; count < 3; count++) made.push(await connect());
  assert.equal(new Set(made.map(({ fd }) => fd)).size, made.length);
  for (const { fd, served: { remoteAddr } } of made) {
    assert.ok(fd !== undefined && libc.isConnectedTo(fd, remoteAddr));
    assert.ok(!libc.isConnectedTo(fd, { ...remoteAddr, hostname: "127.0.0.2" }));
  }
  assert.equal(libc.findAccepted(open, { hostname: "192.0.2.1", port: 1 }), undefined);
  for (const { client, served } of made) for (const conn of [client, served]) conn.close();
});

for (const engine of ["native", "node"]) {
  peerTest(`${engine} on bun lets the window of a client grow`, [{ command: "ss", debian: "iproute2" }], async () => {
    using dir = new TempDir();
    await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`, {
      command: await runtimeCommand("bun"),
      listener: { engine },
    });
    using _client = await proxy.connectTcp();
    const { text } = await runPeer("ss", ["-tinH", `sport = :${proxy.port}`]);
    const scale = /wscale:\d+,(\d+)/.exec(text)?.[1];
    assert.ok(65_535 * 2 ** Number(scale) >= 1_000_000, `The scale of the window is ${scale}: ${text}`);
  });
}
