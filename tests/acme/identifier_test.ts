import assert from "node:assert/strict";
import { challengeServerName, identifierOf } from "../../src/acme/protocol/identifier.ts";

Deno.test("identifierOf() tells names from addresses, which it writes as RFC 5952 does", () => {
  assert.deepEqual(identifierOf("a.example"), { type: "dns", value: "a.example" });
  assert.deepEqual(identifierOf("192.0.2.1"), { type: "ip", value: "192.0.2.1" });
  assert.deepEqual(identifierOf("2001:DB8:0:0::1"), { type: "ip", value: "2001:db8::1" });
});

Deno.test("challengeServerName() is the name, or the reverse form of an address (RFC 8738 section 6)", () => {
  assert.equal(challengeServerName(identifierOf("a.example")), "a.example");
  assert.equal(challengeServerName(identifierOf("192.0.2.1")), "1.2.0.192.in-addr.arpa");
  assert.equal(
    challengeServerName(identifierOf("2001:db8::1")),
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
  );
});
