import { cidrMatcher, parseCidr } from "../../src/net/cidr.ts";
import { ValueError } from "../../src/net/value_error.ts";
import assert from "node:assert/strict";

Deno.test("parseCidr() gives the canonical form", () => {
  const cases = [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["192.0.2.1", "192.0.2.1/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8::1/32", "2001:db8::/32"],
    ["::1", "::1/128"],
    ["::/0", "::/0"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["::ffff:10.0.0.1", "10.0.0.1/32"],
  ];
  for (const [text, canonical] of cases) assert.equal(parseCidr(text), canonical, text);
});

Deno.test("parseCidr() rejects what could be read in two ways, and what is no network", () => {
  const cases = [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "::/129",
    "10.0.0/8",
    "010.0.0.1",
    "0x7f.1",
    "127.1",
    "10.0.0.0/-1",
  ];
  for (const text of [...cases, "localhost", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0", "[::1]", "::1%lo", "1.2.3.4:80"]) {
    assert.throws(() => parseCidr(text), ValueError, text);
  }
  for (const value of [10, null, [], {}]) assert.throws(() => parseCidr(value), ValueError);
});

Deno.test("cidrMatcher() matches addresses of both families and mapped ones", () => {
  const matches = cidrMatcher(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  for (const address of ["10.255.0.1", "192.0.2.7", "2001:db8:1::1", "::ffff:10.0.0.1"]) {
    assert.equal(matches(address), true, address);
  }
  for (
    const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::ffff:11.0.0.1", "::1", "", "10.0.0.1.example", "@"]
  ) {
    assert.equal(matches(address), false, address);
  }
});

Deno.test("cidrMatcher() keeps the families apart even where a network is everything", () => {
  assert.equal(cidrMatcher(["0.0.0.0/0"])("::1"), false);
  assert.equal(cidrMatcher(["::/0"])("10.0.0.1"), false);
  assert.equal(cidrMatcher(["::/0"])("2001:db8::1"), true);
});

Deno.test("cidrMatcher() matches nothing when empty, and refuses bad networks", () => {
  assert.equal(cidrMatcher([])("10.0.0.1"), false);
  assert.throws(() => cidrMatcher(["x"]), ValueError);
});
