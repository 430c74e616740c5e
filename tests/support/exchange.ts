import assert from "node:assert/strict";
import { readAll, readExactly, writeAll } from "./backend.ts";

/** Sends bytes, half-closes, and reads to the clean end, both at once; whichever fails first is told. */
export async function exchange(conn: Deno.Conn, bytes: Uint8Array): Promise<Uint8Array> {
  const [answer] = await Promise.all([readAll(conn), writeAll(conn, bytes).then(() => conn.closeWrite())]);
  return answer;
}

/** Sends one piece again and again, and reads another so, both at once, each to its end after so many bytes. */
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
