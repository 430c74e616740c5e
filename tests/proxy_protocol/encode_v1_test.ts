import assert from "node:assert/strict";
import { encodeV1 } from "../../src/proxy_protocol/encode_v1.ts";
import { V1_MAX_BYTES } from "../../src/proxy_protocol/wire.ts";

function line(source: string, destination: string, sourcePort = 51234, destinationPort = 443): string {
  return new TextDecoder().decode(encodeV1({
    source: { hostname: source, port: sourcePort },
    destination: { hostname: destination, port: destinationPort },
  }));
}

Deno.test("encodeV1() writes the example of section 2.1", () => {
  assert.equal(line("192.168.0.1", "192.168.0.11", 56324, 443), "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n");
});

Deno.test("encodeV1() writes IPv6", () => {
  assert.equal(line("2001:db8::7", "::1"), "PROXY TCP6 2001:db8::7 ::1 51234 443\r\n");
});

Deno.test("encodeV1() writes two IPv4-mapped ends as TCP4", () => {
  assert.equal(line("::ffff:203.0.113.7", "::ffff:10.0.0.1"), "PROXY TCP4 203.0.113.7 10.0.0.1 51234 443\r\n");
  assert.equal(line("::ffff:203.0.113.7", "10.0.0.1"), "PROXY TCP4 203.0.113.7 10.0.0.1 51234 443\r\n");
});

Deno.test("encodeV1() maps the IPv4 end of a mixed pair", () => {
  assert.equal(line("203.0.113.7", "2001:db8::1"), "PROXY TCP6 ::ffff:cb00:7107 2001:db8::1 51234 443\r\n");
  assert.equal(line("2001:db8::1", "::ffff:203.0.113.7"), "PROXY TCP6 2001:db8::1 ::ffff:cb00:7107 51234 443\r\n");
});

Deno.test("encodeV1() drops zones", () => {
  assert.equal(line("fe80::1%eth0", "fe80::2%2"), "PROXY TCP6 fe80::1 fe80::2 51234 443\r\n");
});

Deno.test("encodeV1() writes UNKNOWN where an end is no IP address", () => {
  assert.equal(line("", "", 0, 0), "PROXY UNKNOWN\r\n");
  assert.equal(line("", "10.0.0.1"), "PROXY UNKNOWN\r\n");
  assert.equal(line("10.0.0.1", "localhost"), "PROXY UNKNOWN\r\n");
});

Deno.test("encodeV1() keeps the longest line within its bound", () => {
  const longest = "1111:1111:1111:1111:1111:1111:1111:1111";
  const text = line(longest, longest, 65535, 65535);
  assert.equal(text.length, 104); // as section 2.1 counts it
  assert.equal(text.length <= V1_MAX_BYTES, true);
});

Deno.test("encodeV1() refuses ports that cannot be", () => {
  for (const port of [-1, 65536, 1.5, NaN]) assert.throws(() => line("10.0.0.1", "10.0.0.2", port), RangeError);
  assert.throws(() => line("", "", 0, 70000), RangeError);
});
