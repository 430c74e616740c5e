import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { stays, until } from "../support/wait.ts";

async function echoOnce(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(1));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(1));
}

/** Fails with whichever fails first. */
function rejection(promises: Promise<unknown>[]): Promise<never> {
  return new Promise((_, reject) => promises.forEach((promise) => promise.catch(reject)));
}

for (const workers of [1, 2]) {
  Deno.test(`limits.connections lets more wait until one ends, and no place is lost, ${workers} workers`, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, {
      config: { workers },
      listener: { limits: { connections: 5 } },
    });
    // Ends in every state: before TLS, in the handshake, after it, by reset.
    for (let round = 0; round < 60; round++) {
      const tcp = await proxy.connectTcp();
      if (round % 3 === 1) await tcp.write(Uint8Array.of(0x16, 3, 1, 2, 0));
      if (round % 3 === 2) {
        const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [proxy.cert] });
        await echoOnce(client);
        client.close();
      } else tcp.close();
    }
    const clients = await Promise.all(Array.from({ length: 5 }, () => proxy.connect()));
    for (const client of clients) await echoOnce(client);
    let served = 0;
    const more = Promise.all(Array.from({ length: 3 }, async () => {
      const client = await proxy.connect();
      await echoOnce(client);
      served++;
      return client;
    }));
    await stays(() => served === 0, "nobody above the limit is served", 500);
    assert.equal(backend.open, 5);
    clients.pop()!.close();
    await until(() => served === 1, "one more is served");
    await stays(() => served === 1, "no second one is served", 200);
    assert.equal((await proxy.program.record(({ event }) => event === "full")).listener, "web");
    for (const client of clients) client.close();
    for (const client of await more) client.close();
    proxy.program.signal("SIGTERM");
    assert.equal(await proxy.program.exit(), 0);
  });
}

Deno.test("limits.connections counts from the first connection on, and from a reload on", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const limits = (connections: number) => ({ limits: { connections } });
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: 2 }, listener: limits(1) });
  const served: Deno.Conn[] = [];
  const coming: Promise<unknown>[] = [];
  const come = (count: number) => {
    for (; count > 0; count--) {
      coming.push(
        proxy.connect().then(async (client) => {
          await echoOnce(client);
          served.push(client);
        }),
      );
    }
  };
  const expect = async (count: number) => {
    await Promise.race([until(() => served.length >= count, `${count} are served`), rejection(coming)]);
    await Promise.race([stays(() => served.length === count, `${count} are served`, 300), rejection(coming)]);
  };
  const limit = async (connections: number) => {
    const text = Deno.readTextFileSync(dir.file("proxy.toml"));
    Deno.writeTextFileSync(
      dir.file("proxy.toml"),
      text.replace(/^connections = \d+$/m, `connections = ${connections}`),
    );
    assert.equal((await proxy.reload()).event, "reload");
  };
  come(8);
  await expect(1);
  await limit(6);
  await expect(6);
  await limit(0);
  await expect(8);
  // Now every worker waits for a connection without a limit.
  await limit(8);
  come(6);
  await expect(8);
  await limit(3);
  for (const client of served.slice(0, 5)) client.close();
  await expect(8);
  for (const client of served.slice(5, 7)) client.close();
  await expect(10);
  await limit(0);
  await expect(14);
  for (const client of served.slice(7)) client.close();
});

Deno.test("limits.connections gives a dead worker's places to the others", async () => {
  using dir = new TempDir();
  // That all of them come to one worker has a probability of 2⁻²⁰.
  const connections = 20;
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2 },
    listener: { limits: { connections } },
    main: "tests/support/proxies/crashing_proxy.ts",
  });
  const clients = await Promise.all(Array.from({ length: connections }, () => proxy.connect()));
  for (const client of clients) await echoOnce(client);
  proxy.program.signal("SIGUSR2");
  await proxy.program.record(({ event }) => event === "worker-replaced");
  const echoes = await Promise.allSettled(clients.map(echoOnce));
  const left = echoes.filter(({ status }) => status === "fulfilled").length;
  assert.ok(left < connections);
  await until(() => backend.open === left, "the dead worker's connections have ended");
  const more = await Promise.all(Array.from({ length: connections - left }, () => proxy.connect()));
  for (const client of more) await echoOnce(client);
  for (const client of [...clients, ...more]) client.close();
});

Deno.test("limits.per-client closes what is too many at once, and counts it", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2 },
    listener: { limits: { "per-client": 3 } },
  });
  for (let round = 0; round < 3; round++) {
    const clients = await Promise.all(Array.from({ length: 3 }, () => proxy.connect()));
    for (const client of clients) await echoOnce(client);
    await assert.rejects(proxy.connect().then(echoOnce));
    const rejected = () => proxy.program.records.filter(({ reason }) => reason === "per-client-limit").length;
    await until(() => rejected() === round + 1, "it is counted");
    // Of another address, even if it is the same machine, more may come.
    const before = backend.accepted;
    for (const client of clients) client.close();
    // A place is free when its connection is over, not already when its backend is closed.
    await until(() => proxy.program.connections().length === 3 * (round + 1), "the places are free");
    assert.equal(backend.accepted, before);
  }
});

Deno.test("limits.per-client counts the addresses of one IPv6 /64 as one client", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2 },
    listener: { "accept-proxy": ["127.0.0.1/32"], limits: { "per-client": 2 } },
  });
  const come = async (address: string) => {
    const tcp = await proxy.connectTcp();
    await tcp.write(new TextEncoder().encode(`PROXY TCP6 ${address} 2001:db8::443 50000 443\r\n`));
    const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [proxy.cert] });
    await echoOnce(client);
    return client;
  };
  const clients = [await come("2001:db8::1"), await come("2001:db8::ffff:2")];
  await assert.rejects(come("2001:db8:0:0:8000::3"));
  clients.push(await come("2001:db8:0:1::1"));
  const { client } = await proxy.program.record(({ reason }) => reason === "per-client-limit");
  assert.equal(client, "2001:db8::8000:0:0:3");
  const over = proxy.program.connections().length;
  clients.shift()!.close();
  // A place is free when its connection is over, not already when its backend is closed.
  await until(() => proxy.program.connections().length > over, "its place is free");
  clients.push(await come("2001:db8:0:0:8000::3"));
  for (const client of clients) client.close();
});

Deno.test("limits.handshakes-per-second lets handshakes wait, and all are served", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2 },
    listener: { limits: { "handshakes-per-second": 20 } },
  });
  const startMs = performance.now();
  const clients = await Promise.all(Array.from({ length: 33 }, () => proxy.connect()));
  for (const client of clients) await echoOnce(client);
  // Three are a burst, the others come each 50 ms.
  assert.ok(performance.now() - startMs > 1300, `${performance.now() - startMs} ms`);
  for (const client of clients) client.close();
});
