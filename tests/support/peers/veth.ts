/** A pair of virtual interfaces, one of them in a network namespace of its own. Needs root and iproute2. */
export class Veth implements Disposable {
  /** The address on this side. */
  readonly address: string;
  /** An address on the other side that no host has. */
  readonly stranger: string;
  readonly #namespace: string;

  private constructor(readonly outer: string, readonly inner: string, namespace: string, network: string) {
    this.#namespace = namespace;
    this.address = `${network}.1`;
    this.stranger = `${network}.2`;
  }

  /** Makes the pair; returns `null` where that is not allowed. */
  static create(): Veth | null {
    if (Deno.uid() !== 0) return null;
    const tag = crypto.randomUUID().slice(0, 6);
    const part = () => Math.floor(Math.random() * 254) + 1;
    const veth = new Veth(`tlsa${tag}`, `tlsb${tag}`, `tlsoff-${tag}`, `10.${part()}.${part()}`);
    try {
      ip("netns", "add", veth.#namespace);
      ip("link", "add", veth.outer, "type", "veth", "peer", "name", veth.inner);
      ip("link", "set", veth.inner, "netns", veth.#namespace);
      ip("addr", "add", `${veth.address}/24`, "dev", veth.outer);
      ip("link", "set", veth.outer, "up");
      ip("-n", veth.#namespace, "link", "set", veth.inner, "up");
      return veth;
    } catch {
      veth[Symbol.dispose]();
      return null;
    }
  }

  /** Starts clients that wait between the SYN-ACK and their ACK. */
  startRawClients(port: number, waitMs: number): RawClients {
    const mac = (...where: string[]) => /link\/ether (\S+)/.exec(ip(...where))![1];
    const script = new URL("./raw_client.ts", import.meta.url).pathname;
    return new RawClients(
      new Deno.Command("ip", {
        args: [
          ...["netns", "exec", this.#namespace, Deno.execPath(), "run", "--allow-ffi", script],
          this.inner,
          mac("-n", this.#namespace, "link", "show", this.inner),
          mac("link", "show", this.outer),
          ...[this.stranger, this.address, `${port}`, `${waitMs}`],
        ],
        stdin: "piped",
        stdout: "piped",
      }).spawn(),
    );
  }

  [Symbol.dispose](): void {
    for (const args of [["link", "del", this.outer], ["netns", "del", this.#namespace]]) {
      try {
        ip(...args);
      } catch {
        // It was not made.
      }
    }
  }
}

/** The clients of raw_client.ts. */
export class RawClients {
  constructor(readonly child: Deno.ChildProcess) {}

  /** Ends the clients, and returns how many were served and what failed. */
  async stop(): Promise<{ served: number; failures: string[] }> {
    await this.child.stdin.close();
    const { stdout } = await this.child.output();
    return JSON.parse(new TextDecoder().decode(stdout));
  }
}

function ip(...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command("ip", { args }).outputSync();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
