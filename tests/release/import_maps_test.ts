import assert from "node:assert/strict";
import npm from "../../deno.json" with { type: "json" };
import jsr from "../../deno.jsr.json" with { type: "json" };

const fromNpm: Record<string, string> = npm.imports;
const fromJsr: Record<string, string> = jsr.imports;

Deno.test("deno.jsr.json maps the same names as deno.json, all but @std to the same", () => {
  assert.deepEqual(Object.keys(fromJsr).sort(), Object.keys(fromNpm).sort());
  for (const [name, target] of Object.entries(fromNpm)) {
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
    if (target.startsWith("npm:")) assert.match(target, /^npm:(@[^@/]+\/)?[^@/]+@\d+\.\d+\.\d+(\/.*)?$/);
  }
});
