/**
 * Connects to a port of 127.0.0.1, with TLS when there are authorities to trust.
 *
 * By `startTls` on a connection without Nagle's algorithm: with `connectTls`, where it can't be turned off, the first
 * request waits 40 ms for the acknowledgement of the handshake's end.
 */
export async function connectTo(port: number, caCerts: string[] | null): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  return caCerts ? await Deno.startTls(connection, { hostname: "localhost", caCerts }) : connection;
}
