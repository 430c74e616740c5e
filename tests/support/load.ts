import { readExactly, writeAll } from "./applications/backend.ts";
import type { Proxy } from "./proxies/proxy.ts";
import { patternBytes } from "./random.ts";
import { pause } from "./wait.ts";

export interface LoadOptions {
  /** How many clients connect, exchange a little and connect again, as fast as they can. */
  quick?: number;
  /** How many clients wait between their TCP handshake and their first byte. */
  slow?: number;
  slowMs?: number;
  /** How many clients send and receive over one connection all the time. */
  long?: number;
  /** How long each of those pauses between two pieces of 64 KiB. @default {20} */
  longMs?: number;
  /** How many clients begin each second, however long the others take. */
  perSecond?: number;
  /** Certificates to trust. */
  caCerts: string[];
}

/** Of those that begin at a rate: with more under way at a time, the machine cannot keep up, and fewer begin. */
const MOST_AT_ONCE = 400;

/** Clients of an echo application. They compare every byte, and keep every failure. */
export class Load {
  readonly failures: string[] = [];
  connections = 0;
  bytes = 0;
  #stopped = false;
  readonly #clients: Promise<void>[];

  constructor(readonly proxy: Proxy, readonly options: LoadOptions) {
    const many = (count: number, client: (index: number) => Promise<void>) =>
      Array.from({ length: count }, (_, index) => client(index));
    this.#clients = [
      ...many(options.quick ?? 0, () => this.#repeat("quick", () => this.#exchange())),
      ...many(options.slow ?? 0, () => this.#repeat("slow", () => this.#slowExchange())),
      ...many(options.long ?? 0, (index) => this.#long(index)),
      this.#steady(options.perSecond ?? 0),
    ];
  }

  /** Lets every client finish what it is doing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  /** Lets clients begin at a rate, of which none waits for another. */
  async #steady(perSecond: number): Promise<void> {
    const startMs = performance.now();
    const running = new Set<Promise<void>>();
    let begun = 0;
    while (!this.#stopped && perSecond > 0) {
      const due = Math.floor((performance.now() - startMs) / 1000 * perSecond);
      for (; begun < due && running.size < MOST_AT_ONCE; begun++) {
        const client = this.#exchange().then(
          () => void this.connections++,
          (error) => void this.failures.push(`steady: ${error}`),
        ).finally(() => running.delete(client));
        running.add(client);
      }
      await pause(2);
    }
    await Promise.all(running);
  }

  async #repeat(kind: string, exchange: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await exchange();
        this.connections++;
      } catch (error) {
        this.failures.push(`${kind}: ${error}`);
        await pause(50);
      }
    }
  }

  async #exchange(): Promise<void> {
    const client = await this.proxy.connect({ caCerts: this.options.caCerts });
    try {
      await this.#echo(client, 100);
    } finally {
      client.close();
    }
  }

  async #slowExchange(): Promise<void> {
    const tcp = await this.proxy.connectTcp();
    await pause(this.options.slowMs ?? 300);
    const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: this.options.caCerts });
    try {
      await this.#echo(client, 1000);
    } finally {
      client.close();
    }
  }

  async #long(index: number): Promise<void> {
    try {
      const client = await this.proxy.connect({ caCerts: this.options.caCerts });
      const chunk = patternBytes(64 * 1024, index + 1);
      while (!this.#stopped) {
        const [echoed] = await Promise.all([readExactly(client, chunk.length), writeAll(client, chunk)]);
        this.#compare(echoed, chunk);
        await pause(this.options.longMs ?? 20);
      }
      await client.closeWrite();
      if (await client.read(new Uint8Array(1)) !== null) throw new Error("more came back than was sent");
      client.close();
      this.connections++;
    } catch (error) {
      this.failures.push(`long: ${error}`);
    }
  }

  async #echo(client: Deno.TlsConn, count: number): Promise<void> {
    const sent = patternBytes(count, this.connections + 1);
    await writeAll(client, sent);
    this.#compare(await readExactly(client, count), sent);
  }

  #compare(got: Uint8Array, sent: Uint8Array): void {
    for (let index = 0; index < sent.length; index++) {
      if (got[index] !== sent[index]) throw new Error(`byte ${index} of ${sent.length} is wrong`);
    }
    this.bytes += sent.length;
  }
}
