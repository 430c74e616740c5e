import assert from "node:assert/strict";
import http from "node:http";
import { Backend, readAll, readExactly, silent } from "../support/applications/backend.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { HealthApp } from "../support/applications/health_app.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";
import { engineTest } from "../support/proxies/under_test.ts";

const HEALTH = { interval: "100ms", timeout: "500ms", path: "/healthz" };

/** One request on a connection of its own: who answered. */
async function ask(proxy: Proxy): Promise<string> {
  const client = await proxy.connect();
  try {
    await client.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    const text = new TextDecoder().decode(await readAll(client));
    return text.slice(text.indexOf("\r\n\r\n") + 4);
  } finally {
    client.close();
  }
}

function changes(proxy: Proxy, backend: string): string[] {
  return proxy.program.records.filter((record) =>
    ["backend-down", "backend-up"].includes(record.event!) && record.backend === backend
  ).map(({ event, cause }) => `${event}: ${cause}`);
}

function adminGet(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http.get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text) => body += text);
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    }).on("error", reject);
  });
}

Deno.test("proxy leaves out a backend that hangs, answers 503 or is killed, and takes it again, the spare meanwhile", async () => {
  using dir = new TempDir();
  await using app = await HealthApp.start("app", dir.file("app.sock"));
  await using spare = await HealthApp.start("spare", dir.file("spare.sock"));
  const port = freePort();
  await using proxy = await Proxy.start(dir, app.address, {
    listener: { spare: spare.address, health: HEALTH },
    config: { workers: 2, admin: { listen: `127.0.0.1:${port}` } },
  });
  assert.equal(await ask(proxy), "app");
  const sickness: { cause: RegExp; begin: () => void | Promise<void>; end: () => void | Promise<void> }[] = [
    { cause: /no answer within 500 ms/, begin: () => app.hang(), end: () => app.goOn() },
    { cause: /status 503/, begin: () => app.toggle(), end: () => app.toggle() },
    { cause: /refused|reset/i, begin: () => app.kill(), end: () => app.restart() },
  ];
  for (const [index, { cause, begin, end }] of sickness.entries()) {
    await begin();
    await until(() => changes(proxy, app.address).length === 2 * index + 1, "it is seen that the backend is down");
    assert.match(changes(proxy, app.address).at(-1)!, /^backend-down/);
    assert.match(changes(proxy, app.address).at(-1)!, cause);
    for (let count = 0; count < 4; count++) assert.equal(await ask(proxy), "spare", `${cause}`);
    const metrics = (await adminGet(port, "/metrics")).body;
    assert.match(
      metrics,
      new RegExp(`^tls_off_backend_up\\{listener="web",route="",backend="${app.address}"\\} 0$`, "m"),
    );
    assert.equal((await adminGet(port, "/readyz")).status, 200, "the spare is well");
    await end();
    await until(() => changes(proxy, app.address).length === 2 * index + 2, "it is seen that the backend is up");
    assert.match(changes(proxy, app.address).at(-1)!, /^backend-up/);
    for (let count = 0; count < 4; count++) assert.equal(await ask(proxy), "app", `after ${cause}`);
  }
  const { body } = await adminGet(port, "/metrics");
  const checks = (result: string) =>
    Number(
      new RegExp(`^tls_off_backend_checks_total\\{.*backend="${app.address}",result="${result}"\\} (\\d+)$`, "m").exec(
        body,
      )![1],
    );
  assert.ok(checks("ok") >= 6 && checks("failed") >= 9, `${checks("ok")} good, ${checks("failed")} bad`);
});

Deno.test("proxy without health checks tells of a backend that refuses, and that it is taken again", async () => {
  using dir = new TempDir();
  await using app = await HealthApp.start("app", dir.file("app.sock"));
  await using spare = await HealthApp.start("spare", dir.file("spare.sock"));
  await using proxy = await Proxy.start(dir, app.address, { listener: { spare: spare.address } });
  await app.kill();
  assert.equal(await ask(proxy), "spare");
  await until(() => changes(proxy, app.address).length === 1, "it is told");
  assert.match(changes(proxy, app.address)[0], /^backend-down: .*refused/i);
  await app.restart();
  for (;;) if (await ask(proxy) === "app") break;
  await until(() => changes(proxy, app.address).length === 2, "it is told");
  assert.match(changes(proxy, app.address)[1], /^backend-up/);
});

Deno.test("proxy is not ready while no backend is up, and tries all of them all the same", async () => {
  using dir = new TempDir();
  await using app = await HealthApp.start("app", dir.file("app.sock"));
  const port = freePort();
  await using proxy = await Proxy.start(dir, app.address, {
    listener: { health: HEALTH },
    config: { admin: { listen: `127.0.0.1:${port}` } },
  });
  assert.equal((await adminGet(port, "/readyz")).status, 200);
  await app.toggle();
  await until(() => changes(proxy, app.address).length === 1, "it is down");
  const { status, body } = await adminGet(port, "/readyz");
  assert.deepEqual([status, body], [503, 'not ready: no backend can be reached of listener "web"\n']);
  assert.equal(await ask(proxy), "app");
});

Deno.test("connections live on when their backend goes down, and probes begin with a PROXY header where one is expected", async () => {
  using dir = new TempDir();
  const heads: string[] = [];
  let isWell = true;
  await using app = new Backend(dir.file("app.sock"), async (conn) => {
    const head = await readExactly(conn, 13);
    if (head[12] !== 0x20) {
      heads.push("PROXY");
      return await silent(conn);
    }
    await readExactly(conn, 3);
    const text = new TextDecoder().decode(await readExactly(conn, 29));
    heads.push(`LOCAL ${text}`);
    await conn.write(new TextEncoder().encode(`HTTP/1.1 ${isWell ? 204 : 500} x\r\n\r\n`));
  });
  await using proxy = await Proxy.start(dir, app.address, {
    listener: { health: HEALTH, "proxy-protocol": "v2" },
  });
  await until(() => heads.length > 0, "a probe has come");
  assert.equal(heads[0], "LOCAL GET /healthz HTTP/1.1\r\nHost: ");
  const client = await proxy.connect();
  await until(() => heads.includes("PROXY"), "the client's connection has come");
  isWell = false;
  await until(() => changes(proxy, app.address).length === 1, "it is down");
  assert.equal(proxy.program.connections().length, 0, "the connection lives on");
  client.close();
  await until(() => proxy.program.connections().length === 1, "it ends when its client leaves");
});

engineTest(
  "node",
  "a connection of a route waits while its application and the spare restart, probed or not",
  [],
  async () => {
    for (const health of [{}, { ...HEALTH, fall: 1 }]) {
      using dir = new TempDir();
      await using app = await HealthApp.start("app", dir.file("app.sock"));
      await using spare = await HealthApp.start("spare", dir.file("spare.sock"));
      await using proxy = await Proxy.start(dir, [], {
        listener: {
          route: [{ name: "app", "server-name": "localhost", backend: app.address, spare: spare.address, health }],
          timeouts: { retry: "20s", connect: "20s" },
        },
      });
      const target = { hostname: "localhost", port: proxy.port, caCerts: [proxy.cert] };
      await app.kill();
      await spare.kill();
      const client = await Deno.connectTls(target);
      await client.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
      // The connection has been refused by both of them by then.
      await until(() => changes(proxy, spare.address).length > 0, "the refusal of the spare is told");
      await app.restart();
      assert.match(new TextDecoder().decode(await readAll(client)), /\r\n\r\napp$/);
      client.close();
      const { route, backend } = await proxy.program.record(({ event }) => event === "connection", "its record");
      assert.deepEqual([route, backend], ["app", app.address]);
    }
  },
);
