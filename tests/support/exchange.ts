import assert from "node:assert/strict";
import { readAll, readExactly, writeAll } from "./applications/backend.ts";

/** Sends bytes and half-closes, and reads until the end at the same time. The first failure of either is thrown. */
export async function exchange(conn: Deno.Conn, bytes: Uint8Array): Promise<Uint8Array> {
  const [answer] = await Promise.all([readAll(conn), writeAll(conn, bytes).then(() => conn.closeWrite())]);
  return answer;
}

/** Makes a connection that sends so many bytes and reads them back. */
export async function echoed(proxy: { connect(): Promise<Deno.Conn> }, size: number): Promise<void> {
  const client = await proxy.connect();
  assert.equal((await exchange(client, new Uint8Array(size))).length, size);
  client.close();
}

/** Sends one piece repeatedly, and expects another one repeatedly at the same time, each up to a number of bytes. */
export async function exchangeRepeated(
  conn: Deno.Conn,
  sent: Uint8Array,
  expected: Uint8Array,
  total: number,
): Promise<void> {
  const send = async () => {
    for (let count = 0; count < total; count += sent.length) await writeAll(conn, sent);
    await conn.closeWrite();
  };
  const expect = async () => {
    for (let count = 0; count < total; count += expected.length) {
      assert.deepEqual(await readExactly(conn, expected.length), expected);
    }
    assert.equal(await conn.read(new Uint8Array(1)), null);
  };
  await Promise.all([send(), expect()]);
}
