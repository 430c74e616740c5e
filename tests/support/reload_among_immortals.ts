/** Reloads while connections last that began before each of them. */
import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { Backend, echo, readExactly } from "./applications/backend.ts";
import { Proxy, TempDir } from "./proxies/proxy.ts";
import { type Contender, runtimeCommand } from "./proxies/runtimes.ts";
import { until } from "./wait.ts";

export const ADMIN = { admin: { listen: "127.0.0.1:0" } };

/** Writes another configuration for a proxy that {@linkcode Proxy.start} made, and another certificate. */
export async function install(dir: TempDir, config: Record<string, unknown>, ...listeners: Record<string, unknown>[]) {
  const { cert, key } = await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] });
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key);
  const listener = listeners.map((own) => ({ backend: "unix:app.sock", cert: "cert.pem", key: "key.pem", ...own }));
  const text = stringify({ workers: 1, log: { format: "json", level: "debug" }, ...config, listener });
  Deno.writeTextFileSync(dir.file("proxy.toml"), text);
  return cert;
}

export async function assertEcho(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
}

function threads({ program: { pid } }: Proxy): number {
  return Number(/Threads:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

/** What `/metrics` says of a series, over all its labels. */
export async function metric(proxy: Proxy, name: string): Promise<number> {
  const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, "gm"))].map(([, value]) =>
    Number(value)
  );
  return values.reduce((sum, value) => sum + value, 0);
}

/** What a process held at some time. */
export interface Size {
  threads: number;
  /** Anonymous resident memory. */
  rssKiB: number;
}

/**
 * Reloads again and again with another certificate and number of workers, and leaves a connection each time. Asserts
 * that all of them are served to the end, and that threads do not pile up.
 * @returns what the process held after three reloads, and after all of them
 */
export async function reloadAmongImmortals(
  contender: Contender,
  reloads: number,
): Promise<{ early: Size; late: Size }> {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  // Node 20 cannot share an address among workers.
  const workers = (round: number) => contender.runtime === "node" ? 1 : 3 - round % 3;
  await using proxy = await Proxy.start(dir, backend.address, {
    command: await runtimeCommand(contender.runtime),
    config: { ...ADMIN, workers: workers(0) },
    listener: { engine: contender.engine },
  });
  const listener = { name: "web", listen: `127.0.0.1:${proxy.port}`, engine: contender.engine };
  const size = (): Size => ({ threads: threads(proxy), rssKiB: proxy.program.rssKiB() });
  const clients: Deno.Conn[] = [];
  let { cert } = proxy;
  let early = size();
  for (let round = 1; round <= reloads; round++) {
    const client = await proxy.connect({ caCerts: [cert] });
    await assertEcho(client);
    clients.push(client);
    cert = await install(dir, { ...ADMIN, workers: workers(round) }, listener);
    assert.equal((await proxy.reload()).event, "reload");
    if (round === 3) early = size();
  }
  // A runtime's own threads come and go, and idle ones end after ten seconds; one more for each reload would be too
  // many, and would stay.
  const allowed = early.threads + Math.max(3, reloads / 4);
  await until(() => threads(proxy) < allowed, `there are fewer than ${allowed} threads, as after three reloads`);
  const late = size();
  for (const client of clients) await assertEcho(client);
  assert.equal(await metric(proxy, "tls_off_connections_superseded"), reloads);
  for (const client of clients) client.close();
  await until(() => proxy.program.connections().length === reloads, "each has its record");
  if (workers(1) === 1) return { early, late };
  await install(dir, { ...ADMIN, workers: 1 }, listener);
  assert.equal((await proxy.reload()).event, "reload");
  await until(() => threads(proxy) <= early.threads - 3, "the workers that serve no more have ended");
  return { early, late };
}
