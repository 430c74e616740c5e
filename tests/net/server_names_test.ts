import assert from "node:assert/strict";
import { coversName, indexServerNames, normalizeServerName } from "../../src/net/server_names.ts";

Deno.test("normalizeServerName() lowers case, drops the root's dot and encodes IDNA", () => {
  assert.equal(normalizeServerName("WWW.Example."), "www.example");
  assert.equal(normalizeServerName("*.B.example"), "*.b.example");
  assert.equal(normalizeServerName("Bücher.example"), "xn--bcher-kva.example");
  assert.equal(normalizeServerName("*.bücher.example"), "*.xn--bcher-kva.example");
  assert.equal(normalizeServerName("_sip.a-b.example"), "_sip.a-b.example");
});

Deno.test("normalizeServerName() answers nothing for what is no DNS name", () => {
  for (
    const name of [
      "",
      ".",
      "*",
      "*.",
      "a..b",
      "127.0.0.1",
      "::1",
      "a b",
      "a.*.b",
      "*a.example",
      "-a.example",
      "a\0b",
      "a\n",
    ]
      .concat("x".repeat(64) + ".example", "a.".repeat(127) + "a")
  ) assert.equal(normalizeServerName(name), "", JSON.stringify(name));
});

const NAMES = [["a.example"], ["*.b.example", "c.b.example"], ["b.example", "*.c.b.example", "x.b.example"]];

Deno.test("indexServerNames() finds exact names before wildcards, whatever their order", () => {
  const find = indexServerNames(NAMES, false);
  assert.equal(find("a.example"), 0);
  assert.equal(find("c.b.example"), 1);
  assert.equal(find("x.b.example"), 2);
  assert.equal(find("y.b.example"), 1);
  assert.equal(find("y.c.b.example"), 2);
  assert.equal(find("b.example"), 2);
});

Deno.test("indexServerNames() ignores case and the root's dot", () => {
  const find = indexServerNames(NAMES, true);
  assert.equal(find("X.B.Example"), 2);
  assert.equal(find("y.b.example."), 1);
});

Deno.test("indexServerNames() has a wildcard stand for exactly one label", () => {
  const find = indexServerNames([["z.example"], ["*.b.example"]], true);
  assert.equal(find("y.b.example"), 1);
  for (const name of ["x.y.b.example", "b.example", ".b.example", "*.example", "yb.example"]) {
    assert.equal(find(name), null, name);
  }
});

Deno.test("indexServerNames() gives the first certificate for no name, and null for an unknown one where strict", () => {
  const lenient = indexServerNames(NAMES, false);
  const strict = indexServerNames(NAMES, true);
  for (const find of [lenient, strict]) {
    for (const none of ["", null, undefined, false] as const) assert.equal(find(none), 0);
  }
  for (const unknown of ["z.example", "example", "constructor", "__proto__", ".", "a.example\0", "b".repeat(5000)]) {
    assert.equal(lenient(unknown), 0);
    assert.equal(strict(unknown), null);
  }
});

Deno.test("indexServerNames() prefers the earlier of two certificates for one name", () => {
  assert.equal(indexServerNames([["b.example"], ["a.example"], ["a.example"]], true)("a.example"), 1);
});

Deno.test("coversName() knows wildcards, on both sides", () => {
  assert.ok(coversName(["*.b.example"], "x.b.example"));
  assert.ok(coversName(["*.b.example"], "*.b.example"));
  assert.ok(!coversName(["*.b.example"], "b.example"));
  assert.ok(!coversName(["*.b.example"], "x.y.b.example"));
  assert.ok(!coversName(["*.example"], "*.b.example"));
  assert.ok(!coversName(["x.b.example"], "*.b.example"));
});

Deno.test("indexServerNames() takes an address for no name, and knows nothing that is no host", () => {
  const [find, strict] = [false, true].map((strict) =>
    indexServerNames([["default.example"], ["*.wild.example"]], strict)
  );
  assert.equal(find("a.wild.example"), 1);
  for (const address of ["192.0.2.1", "::1", "2001:db8::1"]) assert.deepEqual([find(address), strict(address)], [0, 0]);
  for (
    const name of [
      "*.wild.example",
      "x,y.wild.example",
      "a b.wild.example",
      "-.wild.example",
      "*",
      "..",
      "a\0.wild.example",
    ]
  ) {
    assert.deepEqual([find(name), strict(name)], [0, null], name);
  }
});
