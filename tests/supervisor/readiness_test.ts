import assert from "node:assert/strict";
import { allocateHealth, Health } from "../../src/proxy/health.ts";
import type { KnownBackend } from "../../src/supervisor/backend_health.ts";
import { Readiness } from "../../src/supervisor/readiness.ts";
import { makeListenerConfig } from "../tls/listener_config.ts";

function backend(listener: string, path: string, intervalMs = 0): KnownBackend {
  const address = { transport: "unix" as const, path };
  const target = makeListenerConfig({ health: { intervalMs, timeoutMs: 1, rise: 1, fall: 1, path: "" } });
  const health = new Health(allocateHealth(), { rise: 1, fall: 1 });
  const name = `unix:${path}`;
  return {
    listener,
    route: "",
    name,
    address,
    target,
    host: "localhost",
    engine: "native",
    health,
    checks: { ok: 0, failed: 0 },
  };
}

function setUp() {
  const up = new Set(["a1", "b2"]);
  const asked: string[] = [];
  const backends = [backend("a", "a1"), backend("b", "b1"), backend("b", "b2")];
  const readiness = new Readiness(() => backends, ({ address }) => {
    const { path } = address as { path: string };
    asked.push(path);
    return Promise.resolve(up.has(path));
  });
  return { readiness, up, asked };
}

Deno.test("Readiness is content with one backend of each listener", async () => {
  const { readiness } = setUp();
  assert.equal(await readiness.unready(), null);
});

Deno.test("Readiness names the listeners without one", async () => {
  const { readiness, up } = setUp();
  up.clear();
  assert.equal(await readiness.unready(), 'no backend can be reached of listener "a", "b"');
});

Deno.test("Readiness asks once for many that want to know", async () => {
  const { readiness, asked } = setUp();
  await Promise.all(Array.from({ length: 50 }, () => readiness.unready()));
  assert.deepEqual(asked, ["a1", "b1", "b2"]);
});

Deno.test("Readiness goes by the probes of backends that are probed, without connecting to them", async () => {
  const asked: string[] = [];
  const probed = [backend("a", "a1", 1000), backend("a", "a2", 1000)];
  const unready = () =>
    new Readiness(() => probed, ({ name }) => {
      asked.push(name);
      return Promise.resolve(true);
    }).unready();
  assert.equal(await unready(), null);
  probed[0].health.bad();
  assert.equal(await unready(), null);
  probed[1].health.bad();
  assert.equal(await unready(), 'no backend can be reached of listener "a"');
  assert.deepEqual(asked, []);
  probed[1].health.good();
  assert.equal(await unready(), null);
});
