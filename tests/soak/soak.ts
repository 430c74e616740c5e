import assert from "node:assert/strict";
import { makeSelfSigned } from "../../src/tls/self_signed.ts";
import { Backend, echo, readAll, writeAll } from "../support/backend.ts";
import { CLIENT_HELLO } from "../support/client_hello.ts";
import { exchange } from "../support/exchange.ts";
import { holdsNoMoreThan, settledHoldings } from "../support/process_status.ts";
import { Proxy, TempDir } from "../support/proxy.ts";
import { patternBytes, seededRandom } from "../support/random.ts";
import { pause, until } from "../support/wait.ts";
import { assertNoLeak } from "./growth.ts";

const SECONDS = Number(Deno.env.get("TLS_OFF_SOAK_SECONDS") ?? 600);
const SEED = Number(Deno.env.get("TLS_OFF_SOAK_SEED") ?? 1);
/** Load before the first measure, for caches and compilers to have what they want. */
const WARM_UP_SECONDS = Math.min(120, SECONDS / 2);
const OPEN_FILES = 500;
/** How often the memory is read. */
const SAMPLE_MS = 250;

/** What happened, by name. */
class Tally {
  readonly counts = new Map<string, number>();
  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** An application that is killed and started anew. */
class RestartingBackend implements AsyncDisposable {
  #backend: Backend;
  constructor(readonly path: string) {
    this.#backend = new Backend(path, echo);
  }
  get open(): number {
    return this.#backend.open;
  }
  async restart(downMs: number): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
    // Closing it removes the file, too.
    await pause(downMs);
    this.#backend = new Backend(this.path, echo);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }
}

Deno.test(`${SECONDS} s of everything at once leave nothing behind (seed ${SEED})`, async () => {
  using dir = new TempDir();
  await using first = new RestartingBackend(dir.file("first.sock"));
  await using second = new RestartingBackend(dir.file("second.sock"));
  await using proxy = await Proxy.start(dir, [`unix:${first.path}`, `unix:${second.path}`], {
    config: {
      workers: 2,
      shutdown: { grace: "5s" },
      log: { level: "info", access: false },
      admin: { listen: `unix:${dir.file("admin.sock")}` },
    },
    listener: { timeouts: { handshake: "3s", idle: "10s", "half-close": "5s" }, limits: { "per-client": 1000 } },
    openFiles: OPEN_FILES,
  });
  const random = seededRandom(SEED);
  const own = { cert: proxy.cert, key: Deno.readTextFileSync(dir.file("key.pem")) };
  const certificates = [await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] }), own];
  const caCerts = certificates.map(({ cert }) => cert);
  const tally = new Tally();
  const wrong: string[] = [];
  let running = true;

  /** Repeats an action of a client; what fails is counted, since much of it must fail here. */
  const repeat = async (name: string, pauseMs: () => number, action: () => Promise<void>) => {
    while (running) {
      try {
        await action();
        tally.add(name);
      } catch {
        tally.add(`${name}, failed`);
      }
      await pause(pauseMs());
    }
  };
  const bounded = async <T>(work: Promise<T>): Promise<T> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => timer = setTimeout(() => reject(new Error("late")), 15_000));
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  };
  const transfer = async () => {
    const client = await bounded(proxy.connect({ caCerts }));
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
  };
  const slowReader = async () => {
    const client = await bounded(proxy.connect({ caCerts }));
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
  };
  const stalled = async () => {
    const client = await bounded(proxy.connectTcp());
    try {
      await client.write(CLIENT_HELLO.subarray(0, Math.floor(random() * CLIENT_HELLO.length)));
      await pause(random() * 4_000);
    } finally {
      client.close();
    }
  };
  const reset = async () => {
    const client = await bounded(proxy.connect({ caCerts }));
    // What it has not read when it closes makes the kernel reset the connection.
    await writeAll(client, patternBytes(50_000)).catch(() => {});
    await pause(random() * 20);
    client.close();
  };
  const garbage = async () => {
    const client = await bounded(proxy.connectTcp());
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
  };
  const exhaust = async () => {
    const clients: Deno.TcpConn[] = [];
    try {
      for (let count = 0; count < OPEN_FILES + 100; count++) clients.push(await bounded(proxy.connectTcp()));
      await pause(500);
    } finally {
      for (const client of clients) client.close();
    }
  };
  let reloads = 0;
  const reload = async () => {
    const { cert, key } = certificates[reloads++ % 2];
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key);
    const { event } = await proxy.reload();
    if (event !== "reload") throw new Error("reload failed");
  };
  const start = () => {
    const many = (count: number, name: string, pauseMs: () => number, action: () => Promise<void>) =>
      Array.from({ length: count }, () => repeat(name, pauseMs, action));
    return [
      ...many(6, "transfer", () => random() * 20, transfer),
      ...many(3, "slow reader", () => 100, slowReader),
      ...many(4, "stalled handshake", () => 20, stalled),
      ...many(2, "reset", () => random() * 100, reset),
      ...many(2, "garbage", () => random() * 50, garbage),
      ...many(1, "exhaustion", () => 10_000, exhaust),
      ...many(1, "reload", () => 2_000, reload),
      ...many(1, "backend killed", () => 3_000, () => (random() < 0.5 ? first : second).restart(random() * 1_000)),
    ];
  };
  const load = async (seconds: number) => {
    running = true;
    const clients = start();
    await pause(seconds * 1000);
    running = false;
    await Promise.all(clients);
  };
  const ended = () => until(() => first.open + second.open === 0, "every connection has ended", 30_000);

  await load(WARM_UP_SECONDS);
  await ended();
  const before = await settledHoldings(proxy.program);
  const ownKiB: number[] = [];
  const sampling = setInterval(() => ownKiB.push(proxy.program.rssKiB()), SAMPLE_MS);
  try {
    await load(SECONDS - WARM_UP_SECONDS);
  } finally {
    clearInterval(sampling);
  }
  await ended();
  const after = await holdsNoMoreThan(before, proxy.program);
  const { listeners } = await readStats(dir.file("admin.sock"));
  console.log(Object.fromEntries(tally.counts), { before, after });
  assert.deepEqual(listeners.map(({ active }) => active), [0]);
  assertNoLeak(ownKiB);
  assert.deepEqual(wrong, []);
  for (const name of ["transfer", "slow reader", "stalled handshake", "reset", "garbage", "reload", "backend killed"]) {
    assert.ok((tally.counts.get(name) ?? 0) > 0, `nothing succeeded of: ${name}`);
  }
  assert.deepEqual(proxy.program.records.filter(({ event }) => event === "worker-died"), []);
  proxy.program.signal("SIGTERM");
  assert.equal(await proxy.program.exit(), 0);
});

/** Asks the admin endpoint for its numbers. */
async function readStats(path: string): Promise<{ listeners: { active: number }[] }> {
  const conn = await Deno.connect({ transport: "unix", path });
  await writeAll(conn, new TextEncoder().encode("GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const text = new TextDecoder().decode(await readAll(conn));
  conn.close();
  return JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
}
