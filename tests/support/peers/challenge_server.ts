import type { Challenge } from "../../../src/tls/challenge/challenge.ts";
import { ChallengeError, ChallengeHandshake } from "../../../src/tls/challenge/handshake.ts";
import { readHandshakeMessage, readOffer } from "../../../src/tls/challenge/offer.ts";

/** Answers validations as a proxy would; for tests of the protocol alone. */
export class ChallengeServer implements AsyncDisposable {
  challenges: Challenge[] = [];
  /** How often challenges were presented and withdrawn. */
  presented = 0;
  withdrawn = 0;
  /** What went wrong with each connection, "" for nothing. */
  readonly results: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor() {
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  present(challenges: Challenge[]): Promise<() => Promise<void>> {
    this.challenges = challenges;
    this.presented++;
    return Promise.resolve(() => {
      this.challenges = [];
      this.withdrawn++;
      return Promise.resolve();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#connections);
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const served = this.#serve(conn).then(() => "", (error) => String(error)).then((result) => {
        this.results.push(result);
        conn.close();
      });
      this.#connections.add(served);
    }
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(32 * 1024);
    const read = async (from: number) => {
      const count = await conn.read(buffer.subarray(from));
      if (count === null) throw new Error("client left");
      return from + count;
    };
    let length = await read(0);
    let offer;
    while ((offer = readOffer(buffer.subarray(0, length))) === undefined) length = await read(length);
    if (offer === null) throw new Error("no ClientHello");
    const hello = readHandshakeMessage(buffer.subarray(0, length))!;
    let handshake;
    try {
      const challenge = this.challenges.find(({ serverName }) => serverName === offer.serverName);
      handshake = new ChallengeHandshake(hello, offer, challenge);
    } catch (error) {
      if (error instanceof ChallengeError && error.alert !== null) await conn.write(error.alert);
      throw error;
    }
    await conn.write(handshake.flight);
    for (;;) {
      const last = handshake.receive(buffer.slice(0, await read(0)));
      if (last === null) continue;
      await conn.write(last);
      return;
    }
  }
}
