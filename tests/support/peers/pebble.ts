import { makeSelfSigned } from "../../../src/tls/certificates/self_signed.ts";
import { freePort } from "../../../bench/lab/free_port.ts";
import { TempDir } from "../proxies/proxy.ts";
import { pause } from "../wait.ts";

/** An ACME server for tests, and the DNS server that comes with it. */
export const PEBBLE = [{ command: "pebble", debian: "pebble" }, { command: "pebble-challtestsrv", debian: "pebble" }];

export interface PebbleOptions {
  /** Environment that makes it awkward: `PEBBLE_WFE_NONCEREJECT`, `PEBBLE_AUTHZREUSE`, `PEBBLE_CHAIN_LENGTH` … */
  env?: Record<string, string>;
  /** Asks for an external account, with these keys by their names. */
  externalAccounts?: Record<string, string>;
  /** Where it connects to for validation. */
  tlsPort: number;
  strict?: boolean;
  /** Lifetime of what it issues, in seconds. */
  validitySeconds?: number;
}

/** A running pebble. Every name but those below `ipv6.test` leads to 127.0.0.1. */
export class Pebble implements AsyncDisposable {
  readonly #dir = new TempDir();
  readonly #children: Deno.ChildProcess[] = [];
  /** What it wrote so far. */
  output = "";
  readonly #reading: Promise<unknown>[] = [];

  private constructor(readonly port: number, readonly managementPort: number, readonly caPem: string) {}

  static async start({ env, externalAccounts, tlsPort, strict, validitySeconds }: PebbleOptions): Promise<Pebble> {
    const [port, managementPort, dnsPort, dnsManagementPort] = [freePort(), freePort(), freePort(), freePort()];
    const { cert, key } = await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] });
    const pebble = new Pebble(port, managementPort, cert);
    try {
      pebble.#write("cert.pem", cert);
      pebble.#write("key.pem", key);
      const config = pebble.#write(
        "pebble.json",
        JSON.stringify({
          pebble: {
            listenAddress: `127.0.0.1:${port}`,
            managementListenAddress: `127.0.0.1:${managementPort}`,
            certificate: pebble.#dir.file("cert.pem"),
            privateKey: pebble.#dir.file("key.pem"),
            httpPort: 1,
            tlsPort,
            ocspResponderURL: "",
            externalAccountBindingRequired: externalAccounts !== undefined,
            ...(externalAccounts === undefined ? {} : { externalAccountMACKeys: externalAccounts }),
            ...(validitySeconds === undefined ? {} : { certificateValidityPeriod: validitySeconds }),
          },
        }),
      );
      pebble.#run("pebble-challtestsrv", [
        ...["-dns01", `127.0.0.1:${dnsPort}`, "-management", `127.0.0.1:${dnsManagementPort}`, "-defaultIPv6", ""],
        ...["-http01", "", "-https01", "", "-tlsalpn01", ""],
      ]);
      const dns = `127.0.0.1:${dnsPort}`;
      pebble.#run("pebble", ["-config", config, "-dnsserver", dns, ...(strict ? ["-strict"] : [])], {
        PEBBLE_VA_NOSLEEP: "1",
        PEBBLE_WFE_NONCEREJECT: "0",
        PEBBLE_AUTHZREUSE: "0",
        ...env,
      });
      await pebble.#ready();
      return pebble;
    } catch (error) {
      await pebble[Symbol.asyncDispose]();
      throw error;
    }
  }

  get directory(): string {
    return `https://localhost:${this.port}/dir`;
  }

  /** The root of what it issues, PEM; another one at each start. */
  async root(index = 0): Promise<string> {
    const client = Deno.createHttpClient({ caCerts: [this.caPem] });
    try {
      const response = await fetch(`https://localhost:${this.managementPort}/roots/${index}`, { client });
      if (!response.ok) throw new Error(`No root ${index}: status ${response.status}`);
      return await response.text();
    } finally {
      client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
    }
    await Promise.all(this.#reading);
    this.#dir[Symbol.dispose]();
  }

  #write(name: string, text: string): string {
    Deno.writeTextFileSync(this.#dir.file(name), text);
    return this.#dir.file(name);
  }

  #run(command: string, args: string[], env: Record<string, string> = {}): void {
    const child = new Deno.Command(command, { args, env, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
    this.#children.push(child);
    const read = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) this.output += decoder.decode(chunk, { stream: true });
    };
    this.#reading.push(read(child.stdout), read(child.stderr));
  }

  async #ready(): Promise<void> {
    // It makes RSA keys first.
    const deadline = performance.now() + 60_000;
    for (;;) {
      try {
        await this.root();
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw new Error(`pebble did not start: ${this.output}`, { cause: error });
        await pause(50);
      }
    }
  }
}
