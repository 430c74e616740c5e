import assert from "node:assert/strict";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { Backend, echo, readAll, writeAll } from "../support/applications/backend.ts";
import { holdsNoMoreThan, keptOfEndedThread, settledHoldings } from "../support/proxies/process_status.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { seededRandom } from "../support/random.ts";
import { type Contender, programRuntime, runtimeCommand } from "../support/proxies/runtimes.ts";
import { pause, until } from "../support/wait.ts";
import { runClients } from "./clients.ts";
import { assertNoLeak } from "./growth.ts";
import { Tally } from "./tally.ts";

const SECONDS = Number(Deno.env.get("TLS_OFF_SOAK_SECONDS") ?? 600);
const RUNTIMES = (Deno.env.get("TLS_OFF_SOAK_RUNTIMES") ?? await programRuntime()).split(",") as Contender["runtime"][];
const SEED = Number(Deno.env.get("TLS_OFF_SOAK_SEED") ?? 1);
/** Load before the first measurement, in which caches fill and code is compiled. */
const WARM_UP_SECONDS = Math.min(120, SECONDS / 2);
const OPEN_FILES = 500;
/** Numbers of workers, one reload after the other; it is measured with the first. */
const WORKERS = [2, 3, 1];
/** How long a process of clients lives. */
const CLIENTS_SECONDS = 15;
/** Growth that is no leak: the memory of one to three workers varies more than that of as many all the time. */
const TOLERANCE = 0.25;
/** How often the memory is read. */
const SAMPLE_MS = 250;

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

for (const runtime of RUNTIMES) {
  Deno.test(`${SECONDS} s of everything at once leave nothing behind on ${runtime} (seed ${SEED})`, () =>
    soak(runtime));
}

async function soak(runtime: Contender["runtime"]): Promise<void> {
  using dir = new TempDir();
  await using first = new RestartingBackend(dir.file("first.sock"));
  await using second = new RestartingBackend(dir.file("second.sock"));
  await using proxy = await Proxy.start(dir, [`unix:${first.path}`, `unix:${second.path}`], {
    config: {
      workers: WORKERS[0],
      shutdown: { grace: "5s" },
      log: { level: "info", access: false },
      admin: { listen: `unix:${dir.file("admin.sock")}` },
    },
    listener: { timeouts: { handshake: "3s", idle: "10s", "half-close": "5s" }, limits: { "per-client": 1000 } },
    openFiles: OPEN_FILES,
    command: await runtimeCommand(runtime),
  });
  const random = seededRandom(SEED);
  const own = { cert: proxy.cert, key: Deno.readTextFileSync(dir.file("key.pem")) };
  const certificates = [await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] }), own];
  const caCerts = certificates.map(({ cert }) => cert);
  const tally = new Tally();
  const wrong: string[] = [];
  let running = true;

  let reloads = 0;
  let reloading: Promise<unknown> | null = null;
  let exhausting = false;
  const reload = async (workers: number) => {
    // A runtime whose thread finds no descriptors ends: the program sees to it that there are, but not that they are
    // left.
    if (!exhausting) proxy.setWorkers(workers);
    const { cert, key } = certificates[reloads++ % 2];
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key);
    const { event } = await (reloading = proxy.reload().finally(() => reloading = null));
    if (event !== "reload") throw new Error("reload failed");
  };
  const exhaust = async () => {
    while (reloading !== null) await reloading;
    exhausting = true;
    const clients: Deno.TcpConn[] = [];
    try {
      for (let count = 0; count < OPEN_FILES + 100; count++) clients.push(await proxy.connectTcp());
      await pause(500);
    } finally {
      for (const client of clients) client.close();
      exhausting = false;
    }
  };
  let seed = SEED;
  /** Clients of every kind, in one process after the other. */
  const runAllClients = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= CLIENTS_SECONDS) {
      const report = await runClients({
        port: proxy.port,
        caCerts,
        seed: seed++,
        seconds: Math.min(left, CLIENTS_SECONDS),
      });
      for (const [name, count] of Object.entries(report.counts)) tally.add(name, count);
      wrong.push(...report.wrong);
    }
  };
  /** @param ownKiB takes samples of the program's memory */
  const load = async (seconds: number, ownKiB: number[]) => {
    running = true;
    const repeat = (name: string, pauseMs: number, action: () => Promise<void>) =>
      tally.repeat(name, () => running, () => pauseMs, action);
    const others = [
      repeat("reload", 2_000, () => reload(WORKERS[reloads % WORKERS.length])),
      repeat("exhaustion", 10_000, exhaust),
      repeat("backend killed", 3_000, () => (random() < 0.5 ? first : second).restart(random() * 1_000)),
    ];
    const sample = async () => {
      while (running) {
        proxy.program.assertRunning();
        ownKiB.push(proxy.program.rssKiB());
        await pause(SAMPLE_MS);
      }
    };
    await Promise.all([sample(), ...others, runAllClients(seconds).finally(() => running = false)]);
  };
  const comeToRest = async () => {
    await reload(WORKERS[0]);
    await until(() => first.open + second.open === 0, "every connection has ended", 30_000);
  };

  await load(WARM_UP_SECONDS, []);
  await comeToRest();
  const before = await settledHoldings(proxy.program);
  const ownKiB: number[] = [];
  await load(SECONDS - WARM_UP_SECONDS, ownKiB);
  await comeToRest();
  const after = await holdsNoMoreThan({ ...before, fds: before.fds + keptOfEndedThread(runtime) }, proxy.program);
  const { listeners } = await readStats(dir.file("admin.sock"));
  console.log(Object.fromEntries(tally.counts), { before, after });
  assert.deepEqual(listeners.map(({ active }) => active), [0]);
  assertNoLeak(ownKiB, TOLERANCE);
  assert.deepEqual(wrong, []);
  for (const name of ["transfer", "slow reader", "stalled handshake", "reset", "garbage", "reload", "backend killed"]) {
    assert.ok((tally.counts.get(name) ?? 0) > 0, `nothing succeeded of: ${name}`);
  }
  assert.deepEqual(proxy.program.records.filter(({ event }) => event === "worker-died"), []);
  proxy.program.signal("SIGTERM");
  assert.equal(await proxy.program.exit(), 0);
}

/** Asks the admin endpoint for its numbers. */
async function readStats(path: string): Promise<{ listeners: { active: number }[] }> {
  const conn = await Deno.connect({ transport: "unix", path });
  await writeAll(conn, new TextEncoder().encode("GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const text = new TextDecoder().decode(await readAll(conn));
  conn.close();
  return JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
}
