import assert from "node:assert/strict";
import { Reloads } from "../../src/supervisor/reloads.ts";
import type { Plan, PlanResult } from "../../src/supervisor/plan/plan.ts";
import type { Log } from "../../src/log/log.ts";

Deno.test("a reload whose configuration cannot be read in time fails, and the next one is served", async () => {
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const plan = {} as Plan;
  const answers: Promise<PlanResult>[] = [
    new Promise(() => {}),
    Promise.resolve({ plan, errors: [], warnings: [] }),
  ];
  const served: Plan[] = [];
  const counts = { ok: 0, failed: 0 };
  const reloads = new Reloads({
    log: { info: say, warn: say, error: say } as unknown as Log,
    monitor: { reloads: counts },
    load: () => answers.shift()!,
    loadMs: 20,
    // deno-lint-ignore require-await
    apply: async (plan) => void served.push(plan),
    begun: () => {},
    ended: () => {},
    refusal: () => null,
  });
  assert.equal(await reloads.request("SIGHUP"), false);
  assert.deepEqual(said.splice(0), [
    "the configuration could not be read within 0.02 s",
    "reload failed: serving as before",
  ]);
  assert.deepEqual(served, []);
  assert.equal(await reloads.request("SIGHUP"), true);
  assert.deepEqual(served, [plan]);
  assert.deepEqual(counts, { ok: 1, failed: 1 });
});
