import assert from "node:assert/strict";
import { type ClientAuthRules, compileClientAuth } from "../../src/tls/client_auth.ts";

const NONE: ClientAuthRules = { allowCn: [], allowDns: [], allowUri: [] };

function admits(rules: Partial<ClientAuthRules>, peer: { cn?: string; dns?: string[]; uri?: string[] }): boolean {
  return compileClientAuth({ ...NONE, ...rules })({
    commonName: peer.cn ?? "",
    dnsNames: peer.dns ?? [],
    uris: peer.uri ?? [],
    der: new Uint8Array(),
  });
}

Deno.test("compileClientAuth() without rules admits every verified client", () => {
  assert.ok(admits({}, { cn: "whoever" }));
  assert.ok(admits({}, {}));
});

Deno.test("compileClientAuth() admits on any match, of any rule", () => {
  const rules = { allowCn: ["ops"], allowDns: ["a.example", "b.example"], allowUri: ["spiffe://x/y"] };
  assert.ok(admits(rules, { cn: "ops" }));
  assert.ok(admits(rules, { cn: "other", dns: ["z.example", "b.example"] }));
  assert.ok(admits(rules, { uri: ["https://z/", "spiffe://x/y"] }));
  assert.ok(!admits(rules, { cn: "other", dns: ["c.example"], uri: ["spiffe://x/z"] }));
  assert.ok(!admits(rules, {}));
});

Deno.test("compileClientAuth() holds each kind of name against its own rules alone", () => {
  assert.ok(!admits({ allowCn: ["a.example"] }, { dns: ["a.example"], uri: ["a.example"] }));
  assert.ok(!admits({ allowDns: ["a.example"] }, { cn: "a.example", uri: ["a.example"] }));
  assert.ok(!admits({ allowUri: ["*"] }, { cn: "x", dns: ["x"] }));
});

Deno.test("compileClientAuth() compares whole names", () => {
  assert.ok(!admits({ allowCn: ["ops"] }, { cn: "devops" }));
  assert.ok(!admits({ allowCn: ["ops"] }, { cn: "ops2" }));
  assert.ok(!admits({ allowUri: ["spiffe://x/y"] }, { uri: ["spiffe://x/y/z"] }));
});

Deno.test("compileClientAuth() has * in a common name stand for one or more of any character", () => {
  assert.ok(admits({ allowCn: ["web-*"] }, { cn: "web-1.eu/a" }));
  assert.ok(admits({ allowCn: ["*"] }, { cn: "x" }));
  assert.ok(!admits({ allowCn: ["*"] }, { cn: "" }));
  assert.ok(!admits({ allowCn: ["web-*"] }, { cn: "web-" }));
  assert.ok(!admits({ allowCn: ["web-*"] }, { cn: "WEB-1" }));
  assert.ok(admits({ allowCn: ["a*b*c"] }, { cn: "a.b.b.c" }));
  assert.ok(!admits({ allowCn: ["a*b*c"] }, { cn: "abbc.d" }));
});

Deno.test("compileClientAuth() has * in a DNS name stay within its label, and ignores case and the root's dot", () => {
  assert.ok(admits({ allowDns: ["*.b.example"] }, { dns: ["X.B.example."] }));
  assert.ok(admits({ allowDns: ["Web-*.b.example."] }, { dns: ["web-1.b.example"] }));
  assert.ok(!admits({ allowDns: ["*.b.example"] }, { dns: ["x.y.b.example"] }));
  assert.ok(!admits({ allowDns: ["*.b.example"] }, { dns: ["b.example"] }));
  assert.ok(!admits({ allowDns: ["**.b.example"] }, { dns: ["x.y.b.example"] }));
});

Deno.test("compileClientAuth() has * in a URI stay within its segment, and ** go on", () => {
  assert.ok(admits({ allowUri: ["spiffe://x/ns/*/foo"] }, { uri: ["spiffe://x/ns/a/foo"] }));
  assert.ok(!admits({ allowUri: ["spiffe://x/ns/*/foo"] }, { uri: ["spiffe://x/ns/a/b/foo"] }));
  assert.ok(!admits({ allowUri: ["spiffe://x/ns/*/foo"] }, { uri: ["spiffe://x/ns//foo"] }));
  assert.ok(admits({ allowUri: ["spiffe://x/ns/**"] }, { uri: ["spiffe://x/ns/a/b"] }));
  assert.ok(admits({ allowUri: ["spiffe://*/a"] }, { uri: ["spiffe://any.example/a"] }));
  assert.ok(!admits({ allowUri: ["spiffe://x/ns/**"] }, { uri: ["spiffe://x/ns/"] }));
  assert.ok(!admits({ allowUri: ["spiffe://x/**"] }, { uri: ["spiffe://y/spiffe://x/a"] }));
  assert.ok(!admits({ allowUri: ["spiffe://x/a"] }, { uri: ["spiffe://x/A"] }));
});

Deno.test("compileClientAuth() takes no other character of a pattern as special", () => {
  assert.ok(!admits({ allowCn: ["a.c"] }, { cn: "abc" }));
  assert.ok(!admits({ allowCn: ["[ab]", "(a|b)", "a+", "^a", "?"] }, { cn: "a" }));
  assert.ok(admits({ allowCn: ["a+(b)"] }, { cn: "a+(b)" }));
});

Deno.test("compileClientAuth() refuses names with control characters", () => {
  for (const cn of ["ops\0.evil", "ops\n", "\nops", "o\x7fps"]) {
    assert.ok(!admits({ allowCn: ["ops*", "*", "*ops"] }, { cn }));
  }
  assert.ok(!admits({ allowUri: ["**"] }, { uri: ["spiffe://x/\0"] }));
});

Deno.test("compileClientAuth() is quick on a name made to be slow, and refuses an oversize one", () => {
  assert.ok(!admits({ allowCn: ["*a".repeat(30) + "b"] }, { cn: "a".repeat(2048) }));
  assert.ok(!admits({ allowCn: ["*"] }, { cn: "a".repeat(2049) }));
});
