import assert from "node:assert/strict";
import { ConnError, type PreambleConn } from "../../src/engines/contract.ts";
import { readProxyHeader } from "../../src/proxy/read_proxy_header.ts";
import { ascii, concat, hex } from "../proxy_protocol/support.ts";

type End = "ends" | "stalls" | "resets";

/** Hands out `chunks` as an adapter does, then ends, stalls or fails. */
class FakeConn implements Pick<PreambleConn, "readPreamble" | "close"> {
  closed = false;
  length = 0;
  limit = 0;
  readonly #chunks: Uint8Array[];
  readonly #end: End;
  #abort: (error: ConnError) => void = () => {};

  constructor(chunks: Uint8Array[], end: End = "stalls") {
    this.#chunks = chunks;
    this.#end = end;
  }

  async readPreamble(limit: number, parse: (bytes: Uint8Array) => number): Promise<void> {
    this.limit = limit;
    let all: Uint8Array = new Uint8Array(0);
    for (const chunk of this.#chunks) {
      await Promise.resolve();
      all = concat(all, chunk);
      this.length = parse(all);
      if (this.length > 0) return;
    }
    if (this.#end === "ends") throw new ConnError("truncated", "FIN");
    if (this.#end === "resets") throw new ConnError("reset", "ECONNRESET");
    await new Promise((_, reject) => this.#abort = reject);
  }

  close(): void {
    this.closed = true;
    this.#abort(new ConnError("closed", "closed"));
  }
}

function read(conn: FakeConn, options = {}) {
  return readProxyHeader(conn as unknown as PreambleConn, options);
}

const HEADER = hex("0d0a0d0a000d0a515549540a211100147f0000017f000001002a05390200053132333435");

Deno.test("readProxyHeader() reads a header that comes with what follows it", async () => {
  const conn = new FakeConn([concat(HEADER, ascii("hello"))]);
  const { endpoints } = await read(conn);
  assert.equal(conn.length, HEADER.length);
  assert.deepEqual(endpoints?.source, { hostname: "127.0.0.1", port: 42 });
  assert.equal(conn.closed, false);
});

Deno.test("readProxyHeader() reads a header that comes byte by byte", async () => {
  const conn = new FakeConn(Array.from(HEADER, (byte) => Uint8Array.of(byte)));
  assert.equal((await read(conn)).version, 2);
  assert.equal(conn.length, HEADER.length);
});

Deno.test("readProxyHeader() bounds what is read", async () => {
  const conn = new FakeConn([HEADER]);
  await read(conn, { limit: 200 });
  assert.equal(conn.limit, 200);
  await assert.rejects(read(new FakeConn([hex("0d0a0d0a000d0a515549540a2111 00b9")]), { limit: 200 }), {
    reason: "too-long",
  });
});

Deno.test("readProxyHeader() refuses what is no header and leaves closing to the caller", async () => {
  const conn = new FakeConn([hex("160301")]);
  await assert.rejects(read(conn), { name: "ProxyHeaderError", reason: "not-a-header" });
  assert.equal(conn.closed, false);
});

Deno.test("readProxyHeader() closes a connection whose header does not come in time", async () => {
  const conn = new FakeConn([HEADER.subarray(0, 20)]);
  await assert.rejects(read(conn, { timeoutMs: 10 }), { name: "ProxyHeaderError", reason: "timeout" });
  assert.equal(conn.closed, true);
});

Deno.test("readProxyHeader() tells a sender that left from a broken connection", async () => {
  await assert.rejects(read(new FakeConn([HEADER.subarray(0, 20)], "ends")), {
    name: "ProxyHeaderError",
    reason: "truncated",
  });
  await assert.rejects(read(new FakeConn([], "ends")), { name: "ProxyHeaderError", reason: "truncated" });
  await assert.rejects(read(new FakeConn([], "resets")), { name: "ConnError", kind: "reset" });
});

Deno.test("readProxyHeader() leaves a connection alone once it has answered", async () => {
  const good = new FakeConn([HEADER]);
  const bad = new FakeConn([hex("160301")]);
  await read(good, { timeoutMs: 5 });
  await assert.rejects(read(bad, { timeoutMs: 5 }));
  // Timers of the same length end in the order in which they began: this one after those of the others.
  await assert.rejects(read(new FakeConn([]), { timeoutMs: 5 }), { reason: "timeout" });
  assert.deepEqual([good.closed, bad.closed], [false, false]);
});
