import assert from "node:assert/strict";
import npm from "../../src/imports.json" with { type: "json" };
import jsr from "../../deno.jsr.json" with { type: "json" };
import { PROGRAM_LOCK, programLock } from "../../scripts/program_lock.ts";

const fromNpm: Record<string, string> = npm.imports;
const fromJsr: Record<string, string> = jsr.imports;

Deno.test("deno.jsr.json maps the same names as src/imports.json, all but @std to the same", () => {
  const whole = Object.entries(fromNpm).filter(([name]) => !name.endsWith("/"));
  assert.deepEqual(Object.keys(fromJsr).sort(), whole.map(([name]) => name).sort());
  for (const [name, target] of whole) {
    if (!name.startsWith("@std/")) assert.equal(fromJsr[name], target);
  }
});

Deno.test("deno.jsr.json maps each @std name to the original, with a version", () => {
  const names = Object.keys(fromJsr).filter((name) => name.startsWith("@std/"));
  assert.deepEqual(names.sort(), ["@std/cli/parse-args", "@std/log", "@std/toml"]);
  for (const name of names) {
    const [, scope, rest = ""] = /^(@std\/[a-z]+)(\/.*)?$/.exec(name)!;
    const [, mapped, subpath = ""] = /^jsr:(@std\/[a-z]+)@\^\d+\.\d+\.\d+(\/.*)?$/.exec(fromJsr[name]) ?? [];
    assert.deepEqual([mapped, subpath], [scope, rest], name);
  }
});

Deno.test("every npm package of the import map is pinned to one version", () => {
  for (const target of Object.values(fromNpm)) {
    if (target.startsWith("npm:")) assert.match(target, /^npm:\/?(@[^@/]+\/)?[^@/]+@\d+\.\d+\.\d+(\/.*)?$/);
  }
});

Deno.test("src/deno.lock has what the program needs, as deno.lock has it, and nothing else", async () => {
  assert.equal(await Deno.readTextFile(PROGRAM_LOCK), await programLock(), "deno task lock writes it anew");
  const { npm: packages }: { npm: Record<string, unknown> } = JSON.parse(await programLock());
  const names = Object.keys(packages).map((key) => key.replace(/@[^@]+$/, ""));
  assert.ok(["@peculiar/x509", "ipaddr.js", "prom-client", "smol-toml"].every((name) => names.includes(name)));
  assert.ok(!names.some((name) => /^(vega|playwright|yaml)/.test(name)), names.join());
});
