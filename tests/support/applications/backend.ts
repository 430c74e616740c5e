/** An application for tests, on a Unix socket in this process. */
export class Backend implements AsyncDisposable {
  readonly #listener: Deno.UnixListener;
  readonly #open = new Set<Deno.UnixConn>();
  readonly #serving: Promise<void>;
  accepted = 0;

  /** @param serve handles one connection, which is closed when `serve` resolves */
  constructor(readonly path: string, serve: (conn: Deno.UnixConn) => Promise<void>) {
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#serving = this.#accept(serve);
  }

  get address(): string {
    return `unix:${this.path}`;
  }

  /** Connections open now. */
  get open(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) conn.close();
    this.#open.clear();
    await this.#serving;
  }

  async #accept(serve: (conn: Deno.UnixConn) => Promise<void>): Promise<void> {
    for await (const conn of this.#listener) {
      this.accepted++;
      this.#open.add(conn);
      serve(conn).catch(() => {
        // Many tests reset connections on purpose. What a test expects it asserts at the client.
      }).finally(() => {
        if (this.#open.delete(conn)) conn.close();
      });
    }
  }
}

/** Sends everything back, and half-closes after the client has. */
export async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    await writeAll(conn, buffer.subarray(0, count));
  }
  await conn.closeWrite();
}

/** Never answers, and keeps the connection open until the other side closes it. */
export async function silent(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await conn.read(buffer) !== null);
}

export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Reads until the end of the stream. */
export async function readAll(conn: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    chunks.push(buffer.slice(0, count));
  }
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Reads exactly `count` bytes. */
export async function readExactly(conn: Deno.Conn, count: number): Promise<Uint8Array> {
  const all = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const got = await conn.read(all.subarray(at));
    if (got === null) throw new Error(`Connection ended after ${at} of ${count} bytes`);
    at += got;
  }
  return all;
}
