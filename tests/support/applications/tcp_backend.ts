import { libc } from "../../../src/linux/thread_libc.ts";

/** An application on a TCP port of this process. */
export class TcpBackend implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;

  /**
   * @param serve handles one connection; it is closed when that resolves
   * @param resetEarly is called for a connection that was reset before it was accepted, which nobody can serve
   */
  constructor(serve: (conn: Deno.TcpConn) => Promise<void>, resetEarly: () => void = () => {}) {
    this.#serving = this.#accept(serve, resetEarly);
  }

  get address(): string {
    return `tcp:127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) conn.close();
    this.#open.clear();
    await this.#serving;
  }

  async #accept(serve: (conn: Deno.TcpConn) => Promise<void>, resetEarly: () => void): Promise<void> {
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        // It has no address any more.
        if (!(error instanceof Deno.errors.NotConnected)) throw error;
        resetEarly();
        continue;
      }
      this.#open.add(conn);
      serve(conn).catch(() => {
        // What a test expects it asserts at the client.
      }).finally(() => {
        if (this.#open.delete(conn)) conn.close();
      });
    }
  }
}

/** Resets a connection of this process. Deno's own close, and that of its node:net, say FIN first. */
export function reset(conn: Deno.TcpConn | Deno.TlsConn): void {
  const [remote, local] = [conn.remoteAddr as Deno.NetAddr, conn.localAddr as Deno.NetAddr];
  const found = libc.endConnections([{ remote, local, how: "reset" }]);
  if (found !== 1) throw new Error("Cannot reset the connection: it has ended already");
}
