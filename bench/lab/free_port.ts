/** Ports below this may belong to services of the machine. */
const FIRST = 10_240;

/** The kernel takes ports of outgoing connections, and of whoever asks for any port, from here on (ip(7)). */
const EPHEMERAL = Number(/^\d+/.exec(Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range"))![0]);

/**
 * A TCP port that nobody listens on, on no IPv4 address. Until the caller listens there somebody may take it, but only
 * who means to: it is not one of those that the kernel gives away, which connections of other tests and of load
 * generators get by thousands.
 */
export function freePort(): number {
  for (;;) {
    try {
      using listener = Deno.listen({ hostname: "0.0.0.0", port: randomPort() });
      return listener.addr.port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function randomPort(): number {
  // Where the kernel gives away nearly all ports, there are none that it leaves alone.
  if (EPHEMERAL - FIRST < 1_000) return 0;
  return FIRST + Math.floor(Math.random() * (EPHEMERAL - FIRST));
}
