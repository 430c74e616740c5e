import assert from "node:assert/strict";
import { coversName, normalizeServerName } from "../../src/net/server_names.ts";

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

Deno.test("coversName() knows wildcards, on both sides", () => {
  assert.ok(coversName(["*.b.example"], "x.b.example"));
  assert.ok(coversName(["*.b.example"], "*.b.example"));
  assert.ok(!coversName(["*.b.example"], "b.example"));
  assert.ok(!coversName(["*.b.example"], "x.y.b.example"));
  assert.ok(!coversName(["*.example"], "*.b.example"));
  assert.ok(!coversName(["x.b.example"], "*.b.example"));
});
