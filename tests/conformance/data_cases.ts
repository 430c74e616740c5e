import assert from "node:assert/strict";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { exchange, exchangeRepeated } from "../support/exchange.ts";
import { patternBytes } from "../support/random.ts";
import { until } from "../support/wait.ts";
import { type Bench, connectionRecord } from "./suite.ts";

const MEGABYTE = 1_000_000;

/** Cases in which all bytes have to arrive, in order, and only when they should. */
export function dataCases({ test, start }: Bench): void {
  test("carries a megabyte there and back, and counts it", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    const client = await proxy.connect();
    assert.deepEqual(await exchange(client, patternBytes(MEGABYTE)), patternBytes(MEGABYTE));
    client.close();
    const record = await connectionRecord(proxy.program);
    assert.equal(record.bytes_in, MEGABYTE);
    assert.equal(record.bytes_out, MEGABYTE);
    assert.equal(record.reason, "client-closed");
    assert.equal(record.backend, backend.address);
  });

  test("carries 100 MB each way at once, byte for byte", async (dir) => {
    const total = 100 * MEGABYTE;
    const [up, down] = [patternBytes(MEGABYTE, 1), patternBytes(MEGABYTE, 2)];
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await exchangeRepeated(conn, down, up, total);
    });
    await using proxy = await start(dir, backend.address);
    const client = await proxy.connect();
    await exchangeRepeated(client, up, down, total);
    client.close();
    const record = await connectionRecord(proxy.program);
    assert.equal(record.bytes_in, total);
    assert.equal(record.bytes_out, total);
  });

  test("carries single bytes without waiting for more", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    const client = await proxy.connect();
    for (let index = 0; index < 200; index++) {
      await client.write(Uint8Array.of(index));
      assert.deepEqual(await readExactly(client, 1), Uint8Array.of(index));
    }
    client.close();
  });

  test("lets the client half-close and read the whole answer", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      const request = await readAll(conn);
      await writeAll(conn, patternBytes(5 * MEGABYTE));
      await writeAll(conn, request);
    });
    await using proxy = await start(dir, backend.address);
    const client = await proxy.connect();
    await writeAll(client, patternBytes(50_000, 3));
    await client.closeWrite();
    const answer = await readAll(client);
    assert.deepEqual(answer.subarray(0, 5 * MEGABYTE), patternBytes(5 * MEGABYTE));
    assert.deepEqual(answer.subarray(5 * MEGABYTE), patternBytes(50_000, 3));
    client.close();
    assert.equal((await connectionRecord(proxy.program)).reason, "client-closed");
  });

  test("lets the application half-close and read the whole request", async (dir) => {
    let request = new Uint8Array();
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await writeAll(conn, new TextEncoder().encode("bye"));
      await conn.closeWrite();
      request = await readAll(conn) as Uint8Array<ArrayBuffer>;
    });
    await using proxy = await start(dir, backend.address);
    const client = await proxy.connect();
    assert.equal(new TextDecoder().decode(await readAll(client)), "bye");
    await writeAll(client, patternBytes(3 * MEGABYTE));
    await client.closeWrite();
    const record = await connectionRecord(proxy.program);
    assert.deepEqual(request, patternBytes(3 * MEGABYTE));
    assert.equal(record.reason, "backend-closed");
    client.close();
  });

  test("loses no tail of an application that closes at once", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await conn.read(new Uint8Array(1));
      await writeAll(conn, patternBytes(2 * MEGABYTE));
    });
    await using proxy = await start(dir, backend.address);
    for (let round = 0; round < 5; round++) {
      const client = await proxy.connect();
      await client.write(Uint8Array.of(1));
      await until(() => backend.accepted === round + 1, "the application has begun");
      assert.deepEqual(await readAll(client), patternBytes(2 * MEGABYTE));
      client.close();
    }
  });
}
