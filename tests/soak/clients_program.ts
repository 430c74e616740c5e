/**
 * Clients of every kind for the soak test, for some seconds. It is a program of its own, and a short one, since Deno
 * never closes the descriptor of a TLS client that is closed with bytes unsent: the end of the process does.
 *
 * Reads its {@linkcode ClientsTask} in JSON from its only argument, and writes its {@linkcode ClientsReport} to
 * standard output.
 */
import { writeAll } from "../support/applications/backend.ts";
import { CLIENT_HELLO } from "../support/certificates/client_hello.ts";
import { exchange } from "../support/exchange.ts";
import { patternBytes, seededRandom } from "../support/random.ts";
import { pause } from "../support/wait.ts";
import { Tally } from "./tally.ts";

export interface ClientsTask {
  port: number;
  caCerts: string[];
  seed: number;
  seconds: number;
}

export interface ClientsReport {
  counts: Record<string, number>;
  /** Describes bytes that are wrong. */
  wrong: string[];
}

/** How long to wait for what may never come. */
const PATIENCE_MS = 15_000;

const { port, caCerts, seed, seconds }: ClientsTask = JSON.parse(Deno.args[0]);
const hostname = "127.0.0.1";
const random = seededRandom(seed);
const tally = new Tally();
const wrong: string[] = [];
let running = true;

/** Waits for the handshake: Deno panics, now and then, where 64 KiB wait to be sent when that ends. */
const connect = () =>
  bounded((async () => {
    const client = await Deno.connectTls({ hostname, port, caCerts });
    try {
      await client.handshake();
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  })());
const connectTcp = () => bounded(Deno.connect({ hostname, port }));

async function bounded<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => timer = setTimeout(() => reject(new Error("late")), PATIENCE_MS));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function transfer(): Promise<void> {
  const client = await connect();
  try {
    const sent = patternBytes(Math.floor(random() ** 3 * 400_000), Math.floor(random() * 1e6));
    const got = await bounded(exchange(client, sent));
    // An application that was killed ends in good order, too soon; what came before must be right all the same.
    const isRight = got.every((byte, index) => byte === sent[index]) && got.length <= sent.length;
    if (!isRight) wrong.push(`${got.length} of ${sent.length} bytes`);
    if (got.length < sent.length) throw new Error("cut short");
  } finally {
    client.close();
  }
}

async function readSlowly(): Promise<void> {
  const client = await connect();
  try {
    writeAll(client, patternBytes(1_000_000)).catch(() => {});
    const buffer = new Uint8Array(1000);
    for (let reads = 0; reads < 20 && running; reads++) {
      if (await bounded(client.read(buffer)) === null) return;
      await pause(50);
    }
  } finally {
    client.close();
  }
}

async function stall(): Promise<void> {
  const client = await connectTcp();
  try {
    await client.write(CLIENT_HELLO.subarray(0, Math.floor(random() * CLIENT_HELLO.length)));
    await pause(random() * 4_000);
  } finally {
    client.close();
  }
}

async function reset(): Promise<void> {
  const client = await connect();
  // Because it closes with unread bytes, the kernel resets the connection.
  await writeAll(client, patternBytes(50_000)).catch(() => {});
  await pause(random() * 20);
  client.close();
}

async function sendGarbage(): Promise<void> {
  const client = await connectTcp();
  try {
    const bytes = CLIENT_HELLO.slice();
    for (let flips = Math.floor(random() * 8); flips >= 0; flips--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    await client.write(bytes);
    await bounded(client.read(new Uint8Array(1000)));
  } finally {
    client.close();
  }
}

function many(count: number, name: string, pauseMs: () => number, action: () => Promise<void>): Promise<void>[] {
  return Array.from({ length: count }, () => tally.repeat(name, () => running, pauseMs, action));
}

const clients = [
  ...many(6, "transfer", () => random() * 20, transfer),
  ...many(3, "slow reader", () => 100, readSlowly),
  ...many(4, "stalled handshake", () => 20, stall),
  ...many(2, "reset", () => random() * 100, reset),
  ...many(2, "garbage", () => random() * 50, sendGarbage),
];
await pause(seconds * 1000);
running = false;
await Promise.all(clients);
const report: ClientsReport = { counts: Object.fromEntries(tally.counts), wrong };
console.log(JSON.stringify(report));
// Without this, clients that Deno has not freed would keep the process alive.
Deno.exit(0);
