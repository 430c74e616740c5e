/** A port that nobody listens on; somebody may take it, though hardly in the next moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
