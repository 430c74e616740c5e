import assert from "node:assert/strict";
import { ascii, concat, outcome, parsed } from "./support.ts";

const EXAMPLE = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";

Deno.test("parseProxyHeader() reads the example of section 2.1 and not what follows it", () => {
  const { length, header } = parsed(ascii(EXAMPLE + "GET / HTTP/1.1\r\n"));
  assert.equal(length, EXAMPLE.length);
  assert.deepEqual(header, {
    version: 1,
    command: "PROXY",
    endpoints: {
      source: { hostname: "192.168.0.1", port: 56324 },
      destination: { hostname: "192.168.0.11", port: 443 },
    },
    tlvs: [],
  });
});

Deno.test("parseProxyHeader() reads IPv6 in both cases and all lengths", () => {
  const full = "0000:0000:0000:0000:0000:0000:0000:0001";
  const { header } = parsed(ascii(`PROXY TCP6 2001:DB8::7 ${full} 0 65535\r\n`));
  assert.deepEqual(header.endpoints, {
    source: { hostname: "2001:db8::7", port: 0 },
    destination: { hostname: "::1", port: 65535 },
  });
});

Deno.test("parseProxyHeader() names IPv4-mapped clients as it names IPv4 ones", () => {
  const { header } = parsed(ascii("PROXY TCP6 ::ffff:127.0.0.1 ::ffff:7f00:1 53958 27102\r\n")); // first as HAProxy
  assert.deepEqual(header.endpoints, {
    source: { hostname: "127.0.0.1", port: 53958 },
    destination: { hostname: "127.0.0.1", port: 27102 },
  });
});

Deno.test("parseProxyHeader() takes UNKNOWN and ignores the rest of its line", () => {
  for (const rest of ["", " ", " ffff::1 ffff::2 1 2", " \x00\xff anything", " TCP4", "  "]) {
    const line = `PROXY UNKNOWN${rest}\r\n`;
    const { length, header } = parsed(ascii(line + "more"));
    assert.equal(length, line.length);
    assert.equal(header.endpoints, null);
  }
});

Deno.test("parseProxyHeader() takes the longest line and refuses one byte more", () => {
  const line = (padding: number) => ascii(`PROXY UNKNOWN ${"f".repeat(padding)}\r\n`);
  assert.equal(parsed(line(91)).length, 107);
  assert.equal(outcome(line(92)), "too-long");
  assert.equal(outcome(line(92).subarray(0, 106)), "need-more");
  assert.equal(outcome(line(92).subarray(0, 107)), "too-long");
});

Deno.test("parseProxyHeader() waits for each byte of a line", () => {
  for (const line of [EXAMPLE, "PROXY UNKNOWN\r\n", "PROXY TCP6 ::1 ::2 1 2\r\n"]) {
    for (let cut = 0; cut < line.length; cut++) {
      assert.equal(outcome(ascii(line.slice(0, cut))), "need-more", line.slice(0, cut));
    }
    assert.equal(outcome(ascii(line)), "done");
  }
});

Deno.test("parseProxyHeader() refuses at the first byte what cannot become a header", () => {
  assert.equal(outcome(Uint8Array.of(0x16)), "not-a-header"); // a ClientHello
  assert.equal(outcome(ascii("G")), "not-a-header");
  assert.equal(outcome(ascii("POST")), "not-a-header");
  assert.equal(outcome(ascii("PROXY\t")), "not-a-header");
  assert.equal(outcome(ascii("proxy ")), "not-a-header");
});

const REFUSED: [string, string][] = [
  ["PROXY  TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "bad-line"],
  ["PROXY TCP4  10.0.0.1 10.0.0.2 1 2\r\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1 2 \r\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n", "bad-line"],
  ["PROXY TCP4\r\n", "bad-line"],
  ["PROXY \r\n", "bad-line"],
  ["PROXY tcp4 10.0.0.1 10.0.0.2 1 2\r\n", "bad-line"],
  ["PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n", "bad-line"],
  ["PROXY TCP5 10.0.0.1 10.0.0.2 1 2\r\n", "bad-line"],
  ["PROXY UNKNOWNX\r\n", "bad-line"],
  ["PROXY UNKNOWN\t\r\n", "bad-line"],
  ["PROXY TCP4\t10.0.0.1 10.0.0.2 1 2\r\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\r\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1 2\rX", "bad-line"],
  ["PROXY UNKNOWN a\nb\r\n", "bad-line"],
  ["PROXY UNKNOWN a\rb\r\n", "bad-line"],
  ["PROXY TCP4 ::1 ::2 1 2\r\n", "bad-address"],
  ["PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 10.0.0.1 ::2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 010.0.0.1 10.0.0.2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 10.0.1 10.0.0.2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 10.0.0.1\0 10.0.0.2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 \xb210.0.0.1 10.0.0.2 1 2\r\n", "bad-address"],
  ["PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n", "bad-address"],
  ["PROXY TCP6 1:2:3:4:5:6:7 ::2 1 2\r\n", "bad-address"],
  ["PROXY TCP6 1::2::3 ::2 1 2\r\n", "bad-address"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1 99999\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 00 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 -1 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 +1 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1e3 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 0x1 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1.0 2\r\n", "bad-port"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 1  2\r\n", "bad-line"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2  2\r\n", "bad-port"],
];
for (const [line, reason] of REFUSED) {
  Deno.test(`parseProxyHeader() refuses ${JSON.stringify(line)} as ${reason}`, () =>
    assert.equal(outcome(ascii(line)), reason));
}

Deno.test("parseProxyHeader() quotes a refused line without its control characters", () => {
  let message = "";
  try {
    parsed(ascii("PROXY TCP4 10.0.0.1\x1b[31m\x9b 10.0.0.2 1 2\r\n"));
  } catch (error) {
    message = (error as Error).message;
  }
  assert.equal(message, `Cannot accept PROXY header version 1: "10.0.0.1?[31m?" is no address of the family`);
});

Deno.test("parseProxyHeader() does not keep the bytes it was given", () => {
  const bytes = concat(ascii(EXAMPLE), ascii("rest"));
  const { header } = parsed(bytes);
  bytes.fill(0);
  assert.equal(header.endpoints?.source.hostname, "192.168.0.1");
});
