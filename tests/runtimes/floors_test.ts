import assert from "node:assert/strict";
import { describeFloors, describeShortfall, FLOORS, isAtLeast, judgeRuntime } from "../../src/runtimes/floors.ts";
import { runtimeName } from "../../src/runtimes/name.ts";

const NOTHING = { refusal: null, warning: null };

Deno.test("isAtLeast() compares numbers, not texts, and no more than three of them", () => {
  const cases: [string, string, boolean][] = [
    ["2.9.0", "2.9.0", true],
    ["2.10.0", "2.9.6", true],
    ["2.9.10", "2.9.6", true],
    ["3.0.0", "2.9.6", true],
    ["2.8.99", "2.9.0", false],
    ["1.99.99", "2.0.0", false],
    ["1.4.1-canary.20260831.1", "1.4.1", true],
    ["1.4.0+abc", "1.4.1", false],
    ["", "1.4.1", false],
    ["unknown", "1.4.1", false],
  ];
  for (const [version, other, expected] of cases) {
    assert.equal(isAtLeast(version, other), expected, `${version} ${other}`);
  }
});

Deno.test("judgeRuntime() has nothing to say of a floor itself, nor of what runs these tests", () => {
  for (const runtime of ["deno", "bun", "node"] as const) {
    assert.deepEqual(judgeRuntime(["native", "node"], runtime, FLOORS[runtime].version), NOTHING);
  }
  assert.equal(runtimeName(), "deno");
  assert.deepEqual(judgeRuntime(["native", "node"]), NOTHING);
  assert.equal(describeShortfall(), null);
});

Deno.test("judgeRuntime() refuses engine node on an old Deno, and warns of engine native there", () => {
  const native = judgeRuntime(["native"], "deno", "2.8.3");
  assert.equal(native.refusal, null);
  assert.match(native.warning!, /^this is Deno 2\.8\.3, engine native is made for Deno 2\.9\.0 or newer: /);
  for (const engines of [["node"], ["native", "node"]] as const) {
    const { refusal } = judgeRuntime(engines, "deno", "2.8.3");
    assert.match(refusal!, /^this is Deno 2\.8\.3, engine node needs Deno 2\.9\.0 or newer: /);
  }
});

Deno.test("judgeRuntime() refuses every engine on an old Bun or Node, and a version that cannot be read", () => {
  for (const engine of ["native", "node"] as const) {
    assert.match(judgeRuntime([engine], "bun", "1.3.14").refusal!, /^this is Bun 1\.3\.14, .*or newer: .*incomplete$/);
    assert.match(judgeRuntime([engine], "bun", "").refusal!, /^this is Bun , /);
  }
  assert.match(judgeRuntime(["node"], "node", "18.0.0").refusal!, /^this is Node 18\.0\.0, engine node needs Node /);
});

Deno.test("describeFloors() names every runtime with its floor", () => {
  for (const { title, version } of Object.values(FLOORS)) assert.ok(describeFloors().includes(`${title} ${version}`));
  assert.equal(describeShortfall("bun", "1.3.14"), `Bun ${FLOORS.bun.version} or newer`);
});

Deno.test("the README names the floors", () => {
  const text = Deno.readTextFileSync(new URL("../../README.md", import.meta.url)).replaceAll("\n", " ");
  assert.ok(text.includes(`runs on ${describeFloors()}, or newer`), describeFloors());
});
