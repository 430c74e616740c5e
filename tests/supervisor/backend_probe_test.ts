import assert from "node:assert/strict";
import type { Address } from "../../src/net/address.ts";
import { BackendProbe } from "../../src/supervisor/backend_probe.ts";
import type { ListenerPlan } from "../../src/supervisor/plan.ts";

function listener(name: string, ...paths: string[]): ListenerPlan {
  const backend: Address[] = paths.map((path) => ({ transport: "unix", path }));
  return { config: { name, backend }, tls: { engine: "native" } } as unknown as ListenerPlan;
}

function setUp() {
  const up = new Set(["a1", "b2"]);
  const asked: string[] = [];
  const probe = new BackendProbe(() => [listener("a", "a1"), listener("b", "b1", "b2")], (backend) => {
    const { path } = backend as { path: string };
    asked.push(path);
    return Promise.resolve(up.has(path));
  });
  return { probe, up, asked };
}

Deno.test("BackendProbe is content with one backend of each listener", async () => {
  const { probe } = setUp();
  assert.equal(await probe.unready(), null);
});

Deno.test("BackendProbe names the listeners without one", async () => {
  const { probe, up } = setUp();
  up.clear();
  assert.equal(await probe.unready(), 'no backend can be reached of listener "a", "b"');
});

Deno.test("BackendProbe asks once for many that want to know", async () => {
  const { probe, asked } = setUp();
  await Promise.all(Array.from({ length: 50 }, () => probe.unready()));
  assert.deepEqual(asked, ["a1", "b1", "b2"]);
});
