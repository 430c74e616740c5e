/** Ports below this may belong to services of the machine. */
const FIRST = 10_240;

const RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range";

let ephemeral: number | undefined;

/**
 * The kernel takes ports of outgoing connections, and of whoever asks for any port, from here on (ip(7)). By `cat`, as
 * Deno reads nothing below `/proc` without `--allow-all`.
 */
function firstEphemeral(): number {
  return ephemeral ??= parseInt(
    new TextDecoder().decode(new Deno.Command("cat", { args: [RANGE_FILE] }).outputSync().stdout),
  );
}

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
  // Where the kernel gives away nearly all ports, or does not tell which, there are none that it leaves alone.
  const room = firstEphemeral() - FIRST;
  if (!(room >= 1_000)) return 0;
  return FIRST + Math.floor(Math.random() * room);
}
