import assert from "node:assert/strict";
import { crc32c } from "../../src/proxy_protocol/crc32c.ts";
import { findTlv, parseSslTlv } from "../support/parse_ssl_tlv.ts";
import { ACCEPTED_HEADER_BYTES, parseProxyHeader } from "../../src/proxy_protocol/parse.ts";
import { ascii, concat, hex, INET_BLOCK, outcome, parsed, SIGNATURE, tlv, v2 } from "./support.ts";

const INET6_BLOCK = hex("20010db8000000000000000000000007 00000000000000000000000000000001 c822 01bb");
const NONE = new Uint8Array(0);

function inet(...tlvs: Uint8Array[]): Uint8Array {
  return v2(0x21, 0x11, concat(INET_BLOCK, ...tlvs));
}

/** A header whose checksum is right, in front of `tlvs`. */
function checked(...tlvs: Uint8Array[]): Uint8Array {
  const header = inet(tlv(3, new Uint8Array(4)), ...tlvs);
  new DataView(header.buffer).setUint32(31, crc32c(header));
  return header;
}

Deno.test("parseProxyHeader() reads the vector of 127.0.0.1:42 with an authority, and not what follows it", () => {
  const vector = hex("0d0a0d0a000d0a515549540a211100147f0000017f000001002a05390200053132333435");
  const { length, header } = parsed(concat(vector, hex("160301")));
  assert.equal(length, vector.length);
  assert.deepEqual(header, {
    version: 2,
    command: "PROXY",
    endpoints: { source: { hostname: "127.0.0.1", port: 42 }, destination: { hostname: "127.0.0.1", port: 1337 } },
    tlvs: [{ type: 2, value: ascii("12345") }],
  });
});

Deno.test("parseProxyHeader() reads IPv4 and IPv6, stream and datagram", () => {
  for (const family of [0x11, 0x12]) {
    assert.deepEqual(parsed(v2(0x21, family, INET_BLOCK)).header.endpoints, {
      source: { hostname: "127.0.0.1", port: 42 },
      destination: { hostname: "127.0.0.1", port: 1337 },
    });
  }
  for (const family of [0x21, 0x22]) {
    assert.deepEqual(parsed(v2(0x21, family, INET6_BLOCK)).header.endpoints, {
      source: { hostname: "2001:db8::7", port: 51234 },
      destination: { hostname: "::1", port: 443 },
    });
  }
});

Deno.test("parseProxyHeader() names IPv4-mapped ends of version 2 as IPv4", () => {
  const block = hex("00000000000000000000ffffcb007107 00000000000000000000ffff7f000001 0001 0002");
  assert.deepEqual(parsed(v2(0x21, 0x21, block)).header.endpoints, {
    source: { hostname: "203.0.113.7", port: 1 },
    destination: { hostname: "127.0.0.1", port: 2 },
  });
});

Deno.test("parseProxyHeader() reads Unix paths, abstract and nameless too", () => {
  const field = (text: string) => concat(ascii(text), new Uint8Array(108 - text.length));
  const paths = (source: string, destination: string) => {
    const { endpoints } = parsed(v2(0x21, 0x31, concat(field(source), field(destination)))).header;
    assert.equal(endpoints?.source.hostname, "");
    assert.equal(endpoints?.source.port, 0);
    return [endpoints?.source.path, endpoints?.destination.path];
  };
  assert.deepEqual(paths("/run/a.sock\0junk", "\0abs\0tract"), ["/run/a.sock", "\0abs\0tract"]);
  assert.deepEqual(paths("", "x".repeat(108)), ["", "x".repeat(108)]);
  assert.equal(outcome(v2(0x21, 0x32, new Uint8Array(216))), "done");
});

Deno.test("parseProxyHeader() honours LOCAL: its block is skipped, the family ignored", () => {
  const blocks: [number, Uint8Array][] = [
    [0x00, NONE],
    [0x00, hex("0300040000dead")], // a checksum that is wrong
    [0x11, INET_BLOCK],
    [0x11, hex("7f")], // too short for its family
    [0x21, concat(INET6_BLOCK, hex("ffff"))],
    [0xff, hex("00112233")],
  ];
  for (const [family, block] of blocks) {
    const bytes = v2(0x20, family, block);
    const { length, header } = parsed(concat(bytes, ascii("rest")));
    assert.equal(length, bytes.length);
    assert.deepEqual(header, { version: 2, command: "LOCAL", endpoints: null, tlvs: [] });
  }
});

Deno.test("parseProxyHeader() takes UNSPEC and has no addresses for it", () => {
  const { header } = parsed(v2(0x21, 0x00, tlv(1, ascii("h2"))));
  assert.deepEqual(header, { version: 2, command: "PROXY", endpoints: null, tlvs: [{ type: 1, value: ascii("h2") }] });
  assert.equal(outcome(v2(0x21, 0x00, hex("01"))), "bad-tlv");
});

Deno.test("parseProxyHeader() skips the block where family or transport alone is UNSPEC", () => {
  for (const family of [0x01, 0x02, 0x10, 0x20, 0x30]) {
    const { header } = parsed(v2(0x21, family, hex("7f000001")));
    assert.deepEqual([header.endpoints, header.tlvs], [null, []]);
  }
});

Deno.test("parseProxyHeader() refuses each other family and transport of PROXY", () => {
  for (let family = 0; family < 256; family++) {
    const known = family >> 4 <= 3 && (family & 15) <= 2;
    assert.equal(outcome(v2(0x21, family, new Uint8Array(300 * 3))) === "bad-family", !known, family.toString(16));
  }
});

Deno.test("parseProxyHeader() refuses each other version and command", () => {
  for (let byte = 0; byte < 256; byte++) {
    const expected = byte >> 4 !== 2 ? "bad-version" : (byte & 15) > 1 ? "bad-command" : "done";
    assert.equal(outcome(v2(byte, 0x11, INET_BLOCK)), expected, byte.toString(16));
  }
});

Deno.test("parseProxyHeader() refuses another signature at its first wrong byte", () => {
  for (let index = 0; index < 12; index++) {
    const bytes = inet();
    bytes[index] ^= 0x80;
    assert.equal(outcome(bytes.subarray(0, index + 1)), "not-a-header");
    if (index > 0) assert.equal(outcome(bytes.subarray(0, index)), "need-more");
  }
});

Deno.test("parseProxyHeader() waits for each byte of a version 2 header", () => {
  const headers = [
    inet(),
    checked(tlv(1, ascii("h2")), tlv(0x20, hex("0100000001 210007544c5376312e33"))),
    v2(0x20, 0, NONE),
    v2(0x20, 0x11, INET_BLOCK),
    v2(0x21, 0, NONE),
    v2(0x21, 0x21, INET6_BLOCK),
    v2(0x21, 0x31, new Uint8Array(216)),
  ];
  for (const header of headers) {
    for (let cut = 0; cut < header.length; cut++) {
      assert.equal(outcome(header.subarray(0, cut)), "need-more", `cut at ${cut}`);
    }
    assert.equal(outcome(header), "done");
  }
});

Deno.test("parseProxyHeader() refuses a length too short for the addresses, without waiting for them", () => {
  const least: [number, number][] = [[0x11, 12], [0x12, 12], [0x21, 36], [0x22, 36], [0x31, 216], [0x32, 216]];
  for (const [family, size] of least) {
    for (let length = 0; length < size; length++) {
      assert.equal(outcome(concat(hex(SIGNATURE), Uint8Array.of(0x21, family, 0, length))), "bad-length");
    }
    assert.equal(outcome(v2(0x21, family, new Uint8Array(size))), "done");
  }
});

Deno.test("parseProxyHeader() refuses a length over the limit, without waiting for the bytes", () => {
  const declared = (length: number) => concat(hex(SIGNATURE), Uint8Array.of(0x21, 0x11, length >> 8, length & 0xff));
  assert.equal(outcome(declared(ACCEPTED_HEADER_BYTES - 16)), "need-more");
  assert.equal(outcome(declared(ACCEPTED_HEADER_BYTES - 15)), "too-long");
  assert.equal(outcome(declared(0xffff)), "too-long");
  assert.equal(outcome(declared(84), 100), "need-more");
  assert.equal(outcome(declared(85), 100), "too-long");
  const local = declared(85);
  local[12] = 0x20;
  assert.equal(outcome(local, 100), "too-long");
});

Deno.test("parseProxyHeader() refuses TLVs that do not end where the header does", () => {
  assert.equal(outcome(inet(hex("04"))), "bad-tlv");
  assert.equal(outcome(inet(hex("0400"))), "bad-tlv");
  assert.equal(outcome(inet(hex("040001"))), "bad-tlv");
  assert.equal(outcome(inet(hex("04ffff00"))), "bad-tlv");
  assert.equal(outcome(inet(tlv(4, hex("00")), hex("0400"))), "bad-tlv");
  // Bytes of the connection behind the header are none of its TLV.
  assert.equal(outcome(concat(inet(hex("040001")), hex("00"))), "bad-tlv");
  assert.equal(outcome(inet(hex("040000"))), "done");
});

Deno.test("parseProxyHeader() keeps every TLV of the specification, in order, and unknown ones", () => {
  const tlvs: [number, Uint8Array][] = [
    [0x01, ascii("h2")],
    [0x02, ascii("example.com")],
    [0x04, new Uint8Array(5)],
    [0x05, new Uint8Array(128).fill(7)],
    [0x20, hex("0100000001")],
    [0x30, ascii("blue")],
    [0xe0, hex("01")], // custom
    [0xf0, NONE], // experimental
    [0xff, NONE], // future
    [0x02, ascii("second.example")],
  ];
  const { header } = parsed(inet(...tlvs.map(([type, value]) => tlv(type, value))));
  assert.deepEqual(header.tlvs, tlvs.map(([type, value]) => ({ type, value })));
  assert.deepEqual(findTlv(header.tlvs, 2), ascii("example.com"));
  assert.equal(findTlv(header.tlvs, 0x77), undefined);
});

Deno.test("parseProxyHeader() does not keep the buffer that held a TLV", () => {
  const bytes = inet(tlv(1, ascii("h2")));
  const { header } = parsed(bytes);
  bytes.fill(0);
  assert.deepEqual(header.tlvs[0].value, ascii("h2"));
});

Deno.test("parseProxyHeader() refuses a unique id of more than 128 bytes", () => {
  assert.equal(outcome(inet(tlv(5, new Uint8Array(129)))), "bad-tlv");
});

Deno.test("parseProxyHeader() verifies the checksum wherever it stands, and not the bytes behind", () => {
  assert.equal(outcome(concat(checked(), hex("ff"))), "done");
  const last = inet(tlv(1, ascii("h2")), tlv(3, new Uint8Array(4)));
  new DataView(last.buffer).setUint32(last.length - 4, crc32c(last));
  assert.equal(outcome(last), "done");
});

Deno.test("parseProxyHeader() refuses a checked header with any bit changed", () => {
  const good = checked(tlv(2, ascii("example.com")));
  for (let bit = 0; bit < 8 * good.length; bit++) {
    const bytes = good.slice();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    // LOCAL and half an UNSPEC discard the block; another type of TLV is no checksum.
    if (bit === 8 * 12 || bit === 8 * 13 || bit === 8 * 13 + 4 || bit >> 3 === 28) continue;
    assert.equal(outcome(bytes) === "done", false, `bit ${bit} changed`);
  }
  const wrong = good.slice();
  wrong[20] ^= 1;
  assert.equal(outcome(wrong), "bad-crc");
  wrong.set(good);
  wrong[31] ^= 1;
  assert.equal(outcome(wrong), "bad-crc");
});

Deno.test("parseProxyHeader() refuses a checksum of another length, or two", () => {
  for (const size of [0, 3, 5, 8]) assert.equal(outcome(inet(tlv(3, new Uint8Array(size)))), "bad-tlv");
  assert.equal(outcome(checked(tlv(3, new Uint8Array(4)))), "bad-tlv");
});

Deno.test("parseProxyHeader() refuses an SSL TLV whose nested ones do not end where it does", () => {
  for (
    const value of [
      "",
      "01000000",
      "0100000001 21",
      "0100000001 2100",
      "0100000001 21000254",
      "0100000001 210001540000",
    ]
  ) {
    assert.equal(outcome(inet(tlv(0x20, hex(value)))), "bad-tlv", value);
    // What follows the TLV is none of it.
    assert.equal(outcome(inet(tlv(0x20, hex(value)), tlv(4, new Uint8Array(9)))), "bad-tlv", value);
  }
});

Deno.test("parseSslTlv() reads every nested TLV", () => {
  const texts: [number, string][] = [
    [0x21, "TLSv1.3"],
    [0x22, "Alice"],
    [0x23, "TLS_AES_256_GCM_SHA384"],
    [0x24, "RSA-SHA256"],
    [0x25, "RSA2048"],
    [0x26, "X25519MLKEM768"],
    [0x27, "rsa_pss_rsae_sha256"],
    [0x28, "DER"],
    [0x77, "unknown"],
    [0x22, "Mallory"],
  ];
  const value = concat(hex("07 00000000"), ...texts.map(([type, text]) => tlv(type, ascii(text))));
  assert.equal(outcome(inet(tlv(0x20, value))), "done");
  assert.deepEqual(parseSslTlv(value), {
    ssl: true,
    certificateOnConnection: true,
    certificateInSession: true,
    verify: 0,
    version: "TLSv1.3",
    commonName: "Alice",
    cipher: "TLS_AES_256_GCM_SHA384",
    signatureAlgorithm: "RSA-SHA256",
    keyAlgorithm: "RSA2048",
    group: "X25519MLKEM768",
    signatureScheme: "rsa_pss_rsae_sha256",
    clientCertificate: ascii("DER"),
  });
});

Deno.test("parseSslTlv() reads flags and verify of a client without a certificate", () => {
  assert.deepEqual(parseSslTlv(hex("01 ffffffff")), {
    ssl: true,
    certificateOnConnection: false,
    certificateInSession: false,
    verify: 0xffffffff,
  });
});

Deno.test("parseSslTlv() keeps going over text that is not UTF-8", () => {
  assert.equal(parseSslTlv(hex("01 00000001 220002 5aff")).commonName, "Z\ufffd");
});

Deno.test("parseSslTlv() refuses what runs over", () => {
  assert.throws(() => parseSslTlv(hex("01 00000001 22000254")), { reason: "bad-tlv" });
});

Deno.test("parseProxyHeader() waits for a first byte", () => {
  assert.deepEqual(parseProxyHeader(NONE), { kind: "need-more" });
});
