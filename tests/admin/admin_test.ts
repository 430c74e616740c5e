import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogConfig } from "../../src/config/config.ts";
import type { Address } from "../../src/net/address.ts";
import { type Admin, startAdmin } from "../../src/admin/admin.ts";
import type { AdminControl } from "../../src/admin/control.ts";
import { refuseRequest } from "../../src/admin/refuse_request.ts";
import { createLogger } from "../../src/log/log.ts";
import { Monitor } from "../../src/supervisor/monitor.ts";
import { WorkerMonitor } from "../../src/log/worker_monitor.ts";
import { until } from "../support/wait.ts";
import { MemoryOutput } from "../log/memory_output.ts";

const LOG: LogConfig = {
  level: "info",
  format: "json",
  access: true,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** One request, with any headers. */
function ask(address: Address, path: string, { method = "GET", headers = {}, body }: Asked = {}): Promise<Reply> {
  const target = address.transport === "unix"
    ? { socketPath: address.path }
    : { host: address.hostname, port: address.port };
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ ...target, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => text += chunk);
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

interface Fixture {
  admin: Admin;
  monitor: Monitor;
  control: AdminControl & {
    calls: string[];
    reason: string | null;
    isDraining: boolean;
    works: boolean;
    failure: Error | null;
  };
  stderr: MemoryOutput;
}

async function withAdmin(run: (fixture: Fixture) => Promise<void>, listen?: Address): Promise<void> {
  const stderr = new MemoryOutput();
  const log = createLogger(LOG, { stderr, terminal: false, environment: () => undefined });
  const monitor = new Monitor({ log, version: "1.2.3", runtime: "deno 1" });
  monitor.configure({
    log: LOG,
    admin: { listen: { transport: "unix", path: "/a" }, expose: false, topClients: 20 },
  });
  const control: Fixture["control"] = {
    calls: [],
    reason: null,
    isDraining: false,
    works: true,
    failure: null,
    unready: () => control.failure === null ? Promise.resolve(control.reason) : Promise.reject(control.failure),
    draining: () => control.isDraining,
    reload() {
      control.calls.push("reload");
      return Promise.resolve(control.works);
    },
    drain() {
      control.calls.push("drain");
    },
  };
  const config = {
    listen: listen ?? { transport: "tcp" as const, hostname: "127.0.0.1", port: 0 },
    expose: false,
    topClients: 2,
  };
  const admin = await startAdmin(config, monitor, control);
  try {
    await run({ admin, monitor, control, stderr });
  } finally {
    await admin.close();
    await log.close();
  }
}

Deno.test("startAdmin() answers every path of the contract", async () => {
  await withAdmin(async ({ admin, monitor, control }) => {
    const memory = monitor.allocate(0, [{ name: "web", backends: ["unix:/a"], routes: [] }], LOG);
    const telemetry = new WorkerMonitor(memory, () => {}).telemetry("web");
    for (const client of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) telemetry.opened(client);
    telemetry.bytesOut("192.0.2.2", 7);
    const metrics = await ask(admin.address, "/metrics");
    assert.equal(metrics.status, 200);
    assert.equal(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert.match(metrics.body, /^tls_off_connections_active\{listener="web",route="",worker="0"\} 3$/m);
    const stats = JSON.parse((await ask(admin.address, "/stats")).body);
    assert.equal(stats.listeners[0].active, 3);
    assert.equal(stats.history, undefined);
    assert.deepEqual(JSON.parse((await ask(admin.address, "/stats?history")).body).history, []);
    const clients = JSON.parse((await ask(admin.address, "/clients")).body);
    assert.equal(clients.known, 3);
    assert.equal(clients.clients.length, 3);
    assert.equal(clients.clients[0].client, "192.0.2.2");
    assert.equal(JSON.parse((await ask(admin.address, "/clients?top=1&order=active")).body).clients.length, 1);
    assert.equal((await ask(admin.address, "/healthz")).body, "ok\n");
    assert.equal((await ask(admin.address, "/readyz")).status, 200);
    assert.deepEqual(control.calls, []);
    assert.equal((await ask(admin.address, "/reload", { method: "POST" })).status, 200);
    assert.equal((await ask(admin.address, "/drain", { method: "POST", body: "x" })).status, 202);
    assert.deepEqual(control.calls, ["reload", "drain"]);
  });
});

Deno.test("startAdmin() refuses other verbs, paths and parameters", async () => {
  await withAdmin(async ({ admin, control }) => {
    for (
      const [method, path, status, allow] of [
        ["GET", "/reload", 405, "POST"],
        ["PUT", "/drain", 405, "POST"],
        ["POST", "/metrics", 405, "GET, HEAD"],
        ["DELETE", "/healthz", 405, "GET, HEAD"],
        ["OPTIONS", "/stats", 405, "GET, HEAD"],
        ["GET", "/nothing", 404, undefined],
        ["GET", "/metrics/../reload", 404, undefined],
        ["GET", "/constructor", 404, undefined],
        ["GET", "/clients?top=0", 400, undefined],
        ["GET", "/clients?top=1e9", 400, undefined],
        ["GET", "/clients?order=constructor", 400, undefined],
      ] as const
    ) {
      const reply = await ask(admin.address, path, { method });
      assert.equal(reply.status, status, `${method} ${path}`);
      assert.equal(reply.headers.allow, allow, `${method} ${path}`);
    }
    const head = await ask(admin.address, "/healthz", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    assert.deepEqual(control.calls, []);
  });
});

Deno.test("startAdmin() refuses what a browser asks on behalf of another site", async () => {
  await withAdmin(async ({ admin, control }) => {
    const port = (admin.address as { port: number }).port;
    const host = `127.0.0.1:${port}`;
    const rebound = await ask(admin.address, "/stats", { headers: { host: `evil.example:${port}` } });
    assert.equal(rebound.status, 403);
    const foreign: Record<string, string>[] = [
      { host, origin: "http://evil.example" },
      { host, origin: "null" },
      { host, origin: `https://${host}` },
      { host, "sec-fetch-site": "cross-site" },
      { host, "sec-fetch-site": "same-site" },
      { host: "evil.example" },
    ];
    for (const headers of foreign) {
      const reply = await ask(admin.address, "/drain", { method: "POST", headers });
      assert.equal(reply.status, 403, JSON.stringify(headers));
    }
    assert.deepEqual(control.calls, []);
    const own = { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
    assert.equal((await ask(admin.address, "/drain", { method: "POST", headers: own })).status, 202);
  });
});

Deno.test("refuseRequest() lets addresses and loopback names pass as hosts, and no others", () => {
  const listen: Address = { transport: "tcp", hostname: "admin.internal", port: 9180 };
  const refused = (host: string | undefined) =>
    refuseRequest({ method: "GET", host, origin: undefined, fetchSite: undefined }, listen) !== null;
  for (
    const host of [
      "127.0.0.1",
      "127.0.0.1:9180",
      "[::1]:9180",
      "[fe80::1]",
      "LocalHost:9180",
      "a.localhost",
      "10.0.0.5:80",
      "Admin.Internal:1",
    ]
  ) assert.equal(refused(host), false, host);
  for (
    const host of [
      "",
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "notlocalhost",
      "user@127.0.0.1",
      "[::1",
      "[evil.example]",
      "127.0.0.1:99999999",
      "localhost evil",
    ]
  ) assert.equal(refused(host), true, String(host));
  assert.equal(refused(undefined), false);
  const post = { method: "POST", host: undefined, origin: undefined, fetchSite: undefined };
  assert.notEqual(refuseRequest(post, listen), null);
});

Deno.test("startAdmin() is not ready while draining or without a backend, and alive all the same", async () => {
  await withAdmin(async ({ admin, control }) => {
    control.reason = 'no backend of listener "web" can be reached';
    const reply = await ask(admin.address, "/readyz");
    assert.equal(reply.status, 503);
    assert.match(reply.body, /no backend of listener "web" can be reached/);
    control.reason = null;
    control.isDraining = true;
    assert.equal((await ask(admin.address, "/readyz")).body, "not ready: draining\n");
    assert.equal((await ask(admin.address, "/healthz")).status, 200);
  });
});

Deno.test("startAdmin() says that a reload failed, without details, which may name key files", async () => {
  await withAdmin(async ({ admin, control }) => {
    control.works = false;
    const reply = await ask(admin.address, "/reload", { method: "POST" });
    assert.equal(reply.status, 500);
    assert.deepEqual(JSON.parse(reply.body), {
      reloaded: false,
      error: "see the log; the old configuration goes on",
    });
  });
});

Deno.test("startAdmin() sends headers that keep pages elsewhere and caches out", async () => {
  await withAdmin(async ({ admin }) => {
    const { headers } = await ask(admin.address, "/stats");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
  });
});

/** Sends bytes and waits for the connection's end. */
function raw(address: Address, text: string): Promise<string> {
  assert.ok(address.transport === "tcp");
  return new Promise((resolve) => {
    const socket = connect(address.port, address.hostname);
    let answer = "";
    socket.on("data", (chunk) => answer += chunk);
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

/** A connection on which one request follows the other. */
function keptConnection(address: Address): { ask(count: number): Promise<void>; close(): void } {
  assert.ok(address.transport === "tcp");
  const socket = connect(address.port, address.hostname);
  let answers = "";
  socket.on("data", (chunk) => answers += chunk);
  return {
    /** @param count of how many requests the answers are there then */
    async ask(count) {
      assert.ok(!socket.closed, "the connection is open");
      socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await until(() => answers.split("\r\n\r\nok\n").length === count + 1, "it is answered");
    },
    close: () => void socket.destroy(),
  };
}

Deno.test("startAdmin() bounds what a request may take", async () => {
  await withAdmin(async ({ admin, control, stderr }) => {
    const host = "Host: localhost\r\n";
    const patient = keptConnection(admin.address);
    await patient.ask(1);
    const bodies = await Promise.all([
      raw(admin.address, `GET / HTTP/1.1\r\n${host}X: ${"y".repeat(20_000)}\r\n\r\n`),
      raw(admin.address, `POST /drain HTTP/1.1\r\n${host}Content-Length: 100000\r\n\r\n${"z".repeat(100_000)}`),
      raw(admin.address, "\x16\x03\x01\x02\x00 not HTTP\r\n\r\n"),
      raw(admin.address, `POST /drain HTTP/1.1\r\n${host}Content-Length: 100\r\n\r\nslow`),
      raw(admin.address, `GET /stats HTTP/1.1\r\n${host}`),
      raw(admin.address, ""),
    ]);
    assert.match(bodies[0], /^(HTTP\/1.1 (400|431) |$)/);
    assert.match(bodies[1], /^(HTTP\/1.1 413 |$)/);
    assert.match(bodies[2], /^(HTTP\/1.1 400 |$)/);
    // One that has asked may wait longer until it asks again.
    await patient.ask(2);
    patient.close();
    for (const answer of bodies) assert.doesNotMatch(answer, /HTTP\/1.1 20/);
    assert.deepEqual(control.calls, []);
    assert.equal(stderr.text, "");
  });
});

Deno.test("startAdmin() says what went wrong in the log, and not to who asked", async () => {
  await withAdmin(async ({ admin, control, stderr }) => {
    control.failure = new Error("of a secret kind");
    const reply = await ask(admin.address, "/readyz");
    assert.equal(reply.status, 500);
    assert.equal(reply.body, "internal error\n");
    await until(() => stderr.text.includes("of a secret kind"), "record of the failure");
  });
});

Deno.test("startAdmin() serves a Unix socket, replaces a stale one, and refuses a live one or a file", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tls-off-admin-"));
  try {
    const listen: Address = { transport: "unix", path: join(directory, "admin.sock") };
    await withAdmin(async ({ admin }) => {
      const reply = await ask(admin.address, "/healthz", { headers: { host: "anything" } });
      assert.equal(reply.body, "ok\n");
      await assert.rejects(
        withAdmin(() => Promise.resolve(), listen),
        /Cannot listen on unix:.*: address already in use: another process listens there/,
      );
      assert.ok(existsSync(listen.path));
    }, listen);
    assert.ok(!existsSync(listen.path));
    await leaveStaleSocket(listen.path);
    assert.ok(existsSync(listen.path));
    await withAdmin(async ({ admin }) => {
      assert.equal((await ask(admin.address, "/healthz")).status, 200);
    }, listen);
    writeFileSync(listen.path, "precious");
    await assert.rejects(
      withAdmin(() => Promise.resolve(), listen),
      /Cannot listen on unix:.*: there is a file of that name, which is no socket/,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** Leaves a socket file behind, as a process does that was killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path + ".tmp", resolve));
  // A second name keeps the socket's file when the server removes its own.
  Deno.linkSync(path + ".tmp", path);
  await new Promise((resolve) => server.close(resolve));
}

Deno.test("startAdmin() names the address that is taken", async () => {
  await withAdmin(async ({ admin }) => {
    await assert.rejects(withAdmin(() => Promise.resolve(), admin.address), /EADDRINUSE|in use/i);
  });
});

Deno.test("startAdmin() answers health checks that name no host", async () => {
  await withAdmin(async ({ admin }) => {
    for (const path of ["/readyz", "/healthz"]) {
      assert.match(await raw(admin.address, `GET ${path} HTTP/1.0\r\n\r\n`), /^HTTP\/1\.1 200 /);
    }
    assert.match(await raw(admin.address, "POST /drain HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 403 /);
  });
});
