import assert from "node:assert/strict";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { exchangeRepeated } from "../support/exchange.ts";
import { binaryUnderTest, slowness } from "../support/proxies/binary_under_test.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { patternBytes, seededRandom } from "../support/random.ts";
import { pause, until } from "../support/wait.ts";

Deno.test("proxy carries 100 MB each way at once over one connection, byte for byte", async () => {
  using dir = new TempDir();
  const total = 100_000_000;
  const upload = patternBytes(1_000_000, 1);
  const download = patternBytes(1_000_000, 2);
  let received = false;
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await exchangeRepeated(conn, download, upload, total);
    received = true;
  });
  await using proxy = await Proxy.start(dir, backend.address);
  const client = await proxy.connect();
  await exchangeRepeated(client, upload, download, total);
  client.close();
  const record = await proxy.program.record(({ event }) => event === "connection");
  assert.ok(received);
  assert.equal(record.bytes_in, total);
  assert.equal(record.bytes_out, total);
});

Deno.test("proxy carries 200 connections of random sizes and pauses, byte for byte", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  // 200 handshakes at once: in an emulator they take longer than a client may.
  const timeouts = { handshake: `${Math.ceil(10 * slowness())}s` };
  await using proxy = await Proxy.start(dir, backend.address, { listener: { timeouts } });
  const random = seededRandom(20);
  const plans = Array.from({ length: 200 }, (_, index) => ({
    seed: index,
    pieces: Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() ** 3 * 120_000)),
    pausesMs: Array.from({ length: 8 }, () => random() < 0.3 ? random() * 20 : 0),
  }));
  await Promise.all(plans.map(async ({ seed, pieces, pausesMs }) => {
    const client = await proxy.connect();
    const bytes = patternBytes(pieces.reduce((sum, size) => sum + size, 0), seed);
    const write = async () => {
      let at = 0;
      for (const [index, size] of pieces.entries()) {
        await writeAll(client, bytes.subarray(at, at += size));
        if (pausesMs[index] > 0) await pause(pausesMs[index]);
      }
      await client.closeWrite();
    };
    const [got] = await Promise.all([readAll(client), write()]);
    assert.deepEqual(got, bytes);
    client.close();
  }));
  await until(() => proxy.program.connections().length === 200, "all 200 records are there");
  assert.deepEqual(new Set(proxy.program.connections().map(({ reason }) => reason)), new Set(["client-closed"]));
});

Deno.test("proxy carries single bytes both ways without waiting for more", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const client = await proxy.connect();
  for (let index = 0; index < 500; index++) {
    await client.write(Uint8Array.of(index & 0xff));
    assert.deepEqual(await readExactly(client, 1), Uint8Array.of(index & 0xff));
  }
  client.close();
});

Deno.test("proxy lets a client half-close and still read the whole answer", async () => {
  using dir = new TempDir();
  const answer = patternBytes(5_000_000);
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    const request = await readAll(conn);
    await writeAll(conn, answer);
    await writeAll(conn, request);
  });
  await using proxy = await Proxy.start(dir, backend.address);
  const client = await proxy.connect();
  await writeAll(client, patternBytes(100_000));
  await client.closeWrite();
  const got = await readAll(client);
  assert.deepEqual(got.subarray(0, answer.length), answer);
  assert.deepEqual(got.subarray(answer.length), patternBytes(100_000));
  client.close();
  assert.equal((await proxy.program.record(({ event }) => event === "connection")).reason, "client-closed");
});

Deno.test("proxy lets an application half-close first and still read the whole request", async () => {
  using dir = new TempDir();
  const request = patternBytes(3_000_000);
  let received: Uint8Array | undefined;
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await writeAll(conn, new TextEncoder().encode("bye"));
    await conn.closeWrite();
    received = await readAll(conn);
  });
  await using proxy = await Proxy.start(dir, backend.address);
  const client = await proxy.connect();
  assert.equal(new TextDecoder().decode(await readAll(client)), "bye");
  await writeAll(client, request);
  await client.closeWrite();
  const record = await proxy.program.record(({ event }) => event === "connection");
  assert.deepEqual(received, request);
  assert.equal(record.reason, "backend-closed");
  client.close();
});

const NAGLE_TEST = "proxy answers small requests on one connection at once: Nagle's algorithm is off";
// What an emulator adds to each answer is as long as what Nagle's algorithm would.
const isEmulated = binaryUnderTest()?.isEmulated ?? false;

Deno.test(`${NAGLE_TEST}${isEmulated ? " [needs no emulator]" : ""}`, { ignore: isEmulated }, async () => {
  using dir = new TempDir();
  const answer = patternBytes(20_000);
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    while (await conn.read(new Uint8Array(1)) !== null) await writeAll(conn, answer);
  });
  await using proxy = await Proxy.start(dir, backend.address);
  const client = await proxy.connect();
  const times: number[] = [];
  for (let index = 0; index < 60; index++) {
    const start = performance.now();
    await client.write(Uint8Array.of(1));
    await readExactly(client, answer.length);
    times.push(performance.now() - start);
  }
  client.close();
  // With Nagle on, every answer waits 40 ms for the client's delayed ACK: the quickest tells, however busy the machine
  // is.
  assert.ok(Math.min(...times) < 30, `quickest answer took ${Math.min(...times)} ms`);
  times.sort((a, b) => a - b);
  assert.ok(times[30] < 35, `median answer took ${times[30]} ms`);
});
