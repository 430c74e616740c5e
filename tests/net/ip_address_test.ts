import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { formatIp, parseIp, parseIpv4, parseIpv6, unmapAddress } from "../../src/net/ip_address.ts";
import { Random } from "../proxy_protocol/support.ts";

Deno.test("parseIpv4() takes four octets", () => {
  assert.deepEqual(parseIpv4("0.10.200.255"), Uint8Array.of(0, 10, 200, 255));
});

Deno.test("parseIpv4() refuses what is not four canonical octets", () => {
  const texts = "1 1.2.3 1.2.3.4. 1.2.3.4.5 .1.2.3.4 1..2.3 256.0.0.1 1.2.3.256 01.2.3.4 1.2.3.00 +1.2.3.4 0x1.2.3.4 " +
    "1.2.3.1000000000000 1,2,3,4 ::1";
  for (const text of ["", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\0", ...texts.split(" ")]) {
    assert.equal(parseIpv4(text), null, text);
  }
});

Deno.test("parseIpv6() refuses what is not eight groups, one run of zeros shortened at most", () => {
  const texts =
    ": ::: 1 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:8:: ::1:2:3:4:5:6:7:8 1::2::3 12345:: ::g :1:: 1: " +
    "::1: 1:2:3:4:5:6:7: :1:2:3:4:5:6:7:8 ::1.2.3 ::1.2.3.4.5 ::01.2.3.4 ::256.1.1.1 1:2:3:4:5:6:7:1.2.3.4 1.2.3.4:: " +
    "::1.2.3.4:5 fe80::1%eth0 [::1] 1.2.3.4 ::ffff:1.2.3.4%1";
  for (const text of ["", " ::1", "::1 ", "::1\0", ...texts.split(" ")]) assert.equal(parseIpv6(text), null, text);
});

const ipv6: [string, string][] = [
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8:0000:0:0::01", "2001:db8::1"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];
Deno.test("parseIpv6() reads every form, and formatIp() writes the canonical one", () => {
  for (const [text, canonical] of ipv6) assert.equal(formatIp(parseIpv6(text)!), canonical);
});

Deno.test("parseIp() drops the zone", () => {
  assert.equal(formatIp(parseIp("fe80::1%eth0")!), "fe80::1");
});

Deno.test("parseIp() makes an IPv4-mapped address IPv4", () => {
  assert.deepEqual(Array.from(parseIp("::ffff:192.0.2.1")!), [192, 0, 2, 1]);
  assert.deepEqual(Array.from(parseIp("::FFFF:c000:201")!), [192, 0, 2, 1]);
});

Deno.test("parseIp() keeps what only resembles an IPv4-mapped address", () => {
  for (const text of ["::fffe:102:304", "1::ffff:102:304", "::ffff:0:102:304", "::102:304"]) {
    assert.equal(parseIp(text)!.length, 16, text);
  }
});

Deno.test("formatIp() writes 10000 random addresses as ipaddr.js does, and parseIpv6() reads them back", () => {
  const random = new Random(1);
  for (let round = 0; round < 10_000; round++) {
    const bytes = random.bytes(16);
    for (let group = 0; group < 8; group++) {
      if (random.below(2)) bytes.fill(0, 2 * group, 2 * group + 2);
    }
    const address = ipaddr.fromByteArray(Array.from(bytes)) as ipaddr.IPv6;
    assert.equal(formatIp(bytes), address.toRFC5952String());
    assert.deepEqual(parseIpv6(formatIp(bytes)), bytes);
    assert.deepEqual(parseIpv6(address.toNormalizedString()), bytes);
  }
});

Deno.test("parseIpv4() and parseIpv6() take what node:net takes, of 100000 texts", () => {
  const random = new Random(2);
  const pieces = [
    "0",
    "1",
    "9",
    "10",
    "25",
    "255",
    "256",
    ".",
    ".",
    ".",
    ":",
    ":",
    ":",
    "::",
    "f",
    "ffff",
    "00",
    "g",
    "1.2.3.4",
  ];
  let valid = 0;
  for (let round = 0; round < 100_000; round++) {
    const text = Array.from({ length: 1 + random.below(16) }, () => random.pick(pieces)).join("");
    assert.equal(parseIpv4(text) !== null, isIPv4(text), text);
    assert.equal(parseIpv6(text) !== null, isIPv6(text), text);
    if (isIPv4(text) || isIPv6(text)) valid++;
  }
  assert.equal(valid > 500, true, `only ${valid} valid ones`);
});

Deno.test("unmapAddress() writes mapped addresses as IPv4", () => {
  assert.equal(unmapAddress("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(unmapAddress("::ffff:c000:201"), "192.0.2.1");
  for (const same of ["192.0.2.1", "::1", "2001:db8::ffff:1", "", "::ffff:x"]) assert.equal(unmapAddress(same), same);
});
