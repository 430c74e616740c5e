import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { Backend, echo, writeAll } from "../support/applications/backend.ts";
import { echoed } from "../support/exchange.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { programCommand } from "../support/proxies/program.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/** The program with its admin endpoint, and where that is. */
async function startWithAdmin(dir: TempDir, backend: string, options: ProxyOptions = {}) {
  const config = { admin: { listen: "127.0.0.1:0", "top-clients": 10 }, ...options.config };
  const proxy = await Proxy.start(dir, backend, { ...options, config });
  const { address } = await proxy.program.record(({ event }) => event === "admin-listening");
  return { proxy, admin: `http://${address}` };
}

async function metrics(admin: string): Promise<string> {
  const response = await fetch(`${admin}/metrics`);
  assert.equal(response.status, 200);
  return await response.text();
}

/** The sum of a metric's samples that have these labels. */
function sum(text: string, name: string, labels: Record<string, string> = {}): number {
  let total = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))) {
      total += Number(line.slice(line.lastIndexOf(" ") + 1));
    }
  }
  return total;
}

Deno.test("metrics equal the sum of 5000 connection records on two workers, and nobody is active afterwards", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { proxy, admin } = await startWithAdmin(dir, backend.address, {
    config: { workers: 2, admin: { listen: "127.0.0.1:0" } },
  });
  await using _ = proxy;
  const count = 5_000;
  let next = 0;
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (next < count) {
      const size = (next++ * 7919) % 5_000;
      // One in a hundred is no TLS at all.
      if (size % 100 === 0) {
        const client = await proxy.connectTcp();
        await client.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
        await client.read(new Uint8Array(100)).catch(() => null);
        client.close();
      } else await echoed(proxy, size);
    }
  }));
  // Failed handshakes are limited in rate: their records and those suppressed are all.
  const suppressed = () =>
    proxy.program.records.filter(({ event }) => event === "suppressed").reduce(
      (sum, one) => sum + Number(one.count),
      0,
    );
  await until(
    () => proxy.program.connections().length + suppressed() === count,
    "every connection is recorded or counted as suppressed",
  );
  const text = await metrics(admin);
  const records = proxy.program.connections();
  const total = (field: string) => records.reduce((sum, record) => sum + Number(record[field] ?? 0), 0);
  assert.equal(sum(text, "tls_off_connections_total"), count);
  assert.equal(sum(text, "tls_off_connections_closed_total"), count);
  assert.equal(sum(text, "tls_off_connections_active"), 0);
  assert.equal(sum(text, "tls_off_connection_duration_seconds_count"), count);
  assert.equal(sum(text, "tls_off_bytes_total", { direction: "in" }), total("bytes_in"));
  assert.equal(sum(text, "tls_off_bytes_total", { direction: "out" }), total("bytes_out"));
  assert.equal(sum(text, "tls_off_client_bytes_total", { direction: "in" }), total("bytes_in"));
  assert.equal(sum(text, "tls_off_client_connections_active"), 0);
  const failed = sum(text, "tls_off_connections_closed_total", { reason: "handshake-failed" });
  assert.equal(failed, 50);
  assert.equal(sum(text, "tls_off_handshakes_total"), count);
  assert.equal(sum(text, "tls_off_handshake_duration_seconds_count"), count - failed);
  assert.equal(sum(text, "tls_off_backend_connect_duration_seconds_count"), count - failed);
  for (const worker of ["0", "1"]) {
    const own = records.filter((record) => String(record.worker) === worker);
    assert.ok(own.length > 0);
    const bytes = own.reduce((sum, record) => sum + Number(record.bytes_in), 0);
    assert.equal(sum(text, "tls_off_bytes_total", { worker, direction: "in" }), bytes);
  }
});

peerTest("metrics are clean to promtool", [{ command: "promtool", debian: "prometheus" }], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { proxy, admin } = await startWithAdmin(dir, backend.address);
  await using _ = proxy;
  await echoed(proxy, 1_000);
  const { code, errors, text } = await runPeer(
    "promtool",
    ["check", "metrics"],
    new TextEncoder().encode(await metrics(admin)),
  );
  assert.equal(code, 0, errors + text);
  assert.equal(errors + text, "");
});

Deno.test("metrics tell five clients apart, to the byte", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { proxy, admin } = await startWithAdmin(dir, backend.address, {
    config: { workers: 2, admin: { listen: "127.0.0.1:0" } },
  });
  await using _ = proxy;
  const clients = [2, 3, 4, 5, 6].map((last) => ({ address: `127.0.0.${last}`, bytes: last * 10_000 }));
  await Promise.all(clients.map(({ address, bytes }) =>
    new Promise<void>((resolve, reject) => {
      const socket = connectTcp({ host: "127.0.0.1", port: proxy.port, localAddress: address });
      const client = connectTls({ socket, host: "127.0.0.1", ca: proxy.cert }, () => client.end(new Uint8Array(bytes)));
      client.on("error", reject).on("end", resolve).resume();
    })
  ));
  await until(() => proxy.program.connections().length === clients.length, "every connection is recorded");
  const text = await metrics(admin);
  const known: { clients: { client: string; bytesIn: number; bytesOut: number; opened: number }[] } =
    await (await fetch(`${admin}/clients`)).json();
  for (const { address, bytes } of clients) {
    assert.equal(sum(text, "tls_off_client_bytes_total", { client: address, direction: "in" }), bytes);
    assert.equal(sum(text, "tls_off_client_bytes_total", { client: address, direction: "out" }), bytes);
    const found = known.clients.find(({ client }) => client === address);
    assert.deepEqual([found?.bytesIn, found?.bytesOut, found?.opened], [bytes, bytes, 1]);
  }
  // The busiest first.
  assert.equal(known.clients[0].client, "127.0.0.6");
});

Deno.test("admin endpoint drains, and is not ready then", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { proxy, admin } = await startWithAdmin(dir, backend.address);
  await using _ = proxy;
  assert.equal(await (await fetch(`${admin}/readyz`)).text(), "ready\n");
  const client = await proxy.connect();
  await client.write(new Uint8Array(1));
  await client.read(new Uint8Array(1));
  const answer = await fetch(`${admin}/drain`, { method: "POST" });
  assert.equal(answer.status, 202);
  await answer.body?.cancel();
  const ready = await fetch(`${admin}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(await ready.text(), "not ready: draining\n");
  assert.equal(await (await fetch(`${admin}/healthz`)).text(), "ok\n");
  client.close();
  assert.equal(await proxy.program.exit(), 0);
});

Deno.test("admin endpoint is not ready while no backend can be reached", async () => {
  using dir = new TempDir();
  const { proxy, admin } = await startWithAdmin(dir, `unix:${dir.file("nobody.sock")}`);
  await using _ = proxy;
  const ready = await fetch(`${admin}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /no backend can be reached of listener "web"/);
});

Deno.test("metrics-interval writes the numbers into the log", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const log = { "metrics-interval": "1s", access: false };
  await using proxy = await Proxy.start(dir, backend.address, { config: { log } });
  await echoed(proxy, 12_345);
  // Those before may have been written while the bytes were on their way.
  const record = await proxy.program.record(
    ({ event, listener, bytes_out_total }) => event === "metrics" && listener === "web" && bytes_out_total === 12_345,
  );
  assert.equal(record.bytes_in_total, 12_345);
  assert.equal(record.connections_total, 1);
  assert.equal(record.handshakes_total, 1);
  const own = await proxy.program.record(({ event, listener }) => event === "metrics" && listener === undefined);
  assert.ok(Number(own.resident_bytes) > 1e6);
  assert.equal(proxy.program.connections().length, 0);
});

Deno.test("tls-off top prints the numbers of a proxy on a Unix socket, once, where there is no terminal", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const listen = `unix:${dir.file("admin.sock")}`;
  await using proxy = await Proxy.start(dir, backend.address, { config: { admin: { listen } } });
  await echoed(proxy, 5_000);
  const [file, ...args] = programCommand();
  const { code, stdout } = await new Deno.Command(file, { args: [...args, "top", "--admin", listen] }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0);
  assert.match(text, /^tls-off \d.* serving$/m);
  assert.match(text, /^127\.0\.0\.1 +0 +1 .* 5 kB +5 kB$/m);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text, /\x1b/);
});

Deno.test("metrics go on over reloads, and count them", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { proxy, admin } = await startWithAdmin(dir, backend.address, {
    config: { workers: 2, admin: { listen: "127.0.0.1:0" } },
  });
  await using _ = proxy;
  const open = await proxy.connect();
  await writeAll(open, new Uint8Array(100));
  for (let i = 0; i < 3; i++) {
    await echoed(proxy, 1_000);
    const answer = await fetch(`${admin}/reload`, { method: "POST" });
    assert.equal(answer.status, 200, await answer.text());
  }
  await echoed(proxy, 1_000);
  await until(() => proxy.program.connections().length === 4, "every ended connection is recorded");
  const during = await metrics(admin);
  assert.equal(sum(during, "tls_off_connections_total"), 5);
  assert.equal(sum(during, "tls_off_connections_active"), 1);
  assert.equal(sum(during, "tls_off_client_connections_active", { client: "127.0.0.1" }), 1);
  assert.equal(sum(during, "tls_off_bytes_total", { direction: "in" }), 4_100);
  assert.equal(sum(during, "tls_off_client_bytes_total", { direction: "in" }), 4_100);
  assert.equal(sum(during, "tls_off_reloads_total", { result: "ok" }), 3);
  open.close();
  await until(() => proxy.program.connections().length === 5, "the last connection is recorded");
  assert.equal(sum(await metrics(admin), "tls_off_connections_active"), 0);
});

Deno.test("metrics keep what a worker counted that died, and drop its connections", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { proxy, admin } = await startWithAdmin(dir, backend.address, {
    config: { workers: 2, admin: { listen: "127.0.0.1:0" } },
    main: "tests/support/proxies/crashing_proxy.ts",
  });
  await using _ = proxy;
  const count = 40;
  for (let i = 0; i < count; i++) await echoed(proxy, 1_000);
  // As many as it takes for both workers to have some: none at all in one has a probability of 10⁻⁶.
  const open = await Promise.all(Array.from({ length: 20 }, () => proxy.connect()));
  for (const client of open) {
    await client.write(new Uint8Array(1));
    assert.equal(await client.read(new Uint8Array(1)), 1);
  }
  await until(() => proxy.program.connections().length === count, "every ended connection is recorded");
  const before = await metrics(admin);
  const dying = sum(before, "tls_off_connections_active", { worker: "1" });
  assert.ok(dying > 0 && dying < open.length);
  proxy.program.signal("SIGUSR2");
  await proxy.program.record(({ event }) => event === "worker-replaced");
  await echoed(proxy, 1_000);
  await until(() => proxy.program.connections().length === count + 1, "the new connection is recorded");
  const after = await metrics(admin);
  assert.equal(sum(after, "tls_off_connections_total"), count + open.length + 1);
  assert.equal(sum(after, "tls_off_connections_active"), open.length - dying);
  assert.equal(sum(after, "tls_off_client_connections_active"), open.length - dying);
  assert.equal(sum(after, "tls_off_bytes_total", { direction: "in" }), (count + 1) * 1_000 + open.length);
  assert.equal(sum(after, "tls_off_client_bytes_total", { direction: "in" }), (count + 1) * 1_000 + open.length);
  assert.equal(sum(after, "tls_off_worker_restarts_total"), 1);
  for (const client of open) client.close();
  await until(
    () => proxy.program.connections().length === count + 1 + open.length - dying,
    "the other worker's connections are recorded",
  );
  assert.equal(sum(await metrics(admin), "tls_off_connections_active"), 0);
});
