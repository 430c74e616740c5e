import assert from "node:assert/strict";
import { boundReceiveBuffers, BULK_BYTES, ReceiveBuffers } from "../../src/engines/shared/receive_buffers.ts";
import type { ConnectionEnds } from "../../src/linux/endpoint_key.ts";
import { libc } from "../../src/linux/thread_libc.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { until } from "../support/wait.ts";

const endsOf = ({ localAddr, remoteAddr }: Deno.TcpConn): ConnectionEnds => ({ local: localAddr, remote: remoteAddr });

Deno.test("a receive buffer that a listening socket bounds grows again once its connection is named", async () => {
  const before = new Set(libc.listeningFds());
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert.ok(boundReceiveBuffers(libc, libc.listeningFds().find((fd) => !before.has(fd))!));
  const connections: [client: Deno.TcpConn, served: Deno.TcpConn][] = [];
  for (let index = 0; index < 2; index++) {
    connections.push([
      await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      await listener.accept(),
    ]);
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
  for (const bytes of await held([0, 0])) assert.ok(bytes > 0 && bytes <= BULK_BYTES / 2, `${bytes} bytes are held`);

  libc.freeReceiveBuffersOf([endsOf(connections[1][1])]);
  const buffer = new Uint8Array(256 * 1024);
  const read = [0, 0];
  for (const [index, [, served]] of connections.entries()) {
    while (read[index] < 16_000_000) read[index] += (await served.read(buffer))!;
  }
  const [bounded, freed] = await held(read);
  assert.ok(bounded <= BULK_BYTES / 2, `${bounded} bytes are held of the bounded one`);
  assert.ok(freed > BULK_BYTES / 2, `${freed} bytes are held of the one that was let grow`);
  for (const conn of connections.flat()) conn.close();
  await writing;
});

Deno.test("ReceiveBuffers finds many connections in one scan, and those that come later in the next", async () => {
  const scans: string[][] = [];
  const named = (hostname: string): ConnectionEnds => ({
    local: { hostname: "192.0.2.1", port: 443 },
    remote: { hostname, port: 1 },
  });
  const buffers = new ReceiveBuffers({
    freeReceiveBuffersOf: (connections) => void scans.push(connections.map(({ remote }) => remote.hostname)),
  });
  for (const name of ["192.0.2.2", "192.0.2.3"]) buffers.free(named(name));
  assert.deepEqual(scans, []);
  await until(() => scans.length === 1, "the first scan");
  buffers.free(named("192.0.2.4"));
  await until(() => scans.length === 2, "the second scan");
  assert.deepEqual(scans, [["192.0.2.2", "192.0.2.3"], ["192.0.2.4"]]);
});

peerTest("native on bun lets the window of a client grow", [{ command: "ss", debian: "iproute2" }], async () => {
  using dir = new TempDir();
  await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`, {
    command: await runtimeCommand("bun"),
    listener: { engine: "native" },
  });
  using _client = await proxy.connectTcp();
  const { text } = await runPeer("ss", ["-tinH", `sport = :${proxy.port}`]);
  const scale = /wscale:\d+,(\d+)/.exec(text)?.[1];
  assert.ok(65_535 * 2 ** Number(scale) >= 1_000_000, `The scale of the window is ${scale}: ${text}`);
});
