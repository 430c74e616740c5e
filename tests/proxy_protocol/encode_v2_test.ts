import assert from "node:assert/strict";
import {
  DEFAULT_MAX_HEADER_BYTES,
  encodeV2,
  LEAST_MAX_HEADER_BYTES,
  type V2Input,
} from "../../src/proxy_protocol/encode_v2.ts";
import { ascii, hex, parsed, SIGNATURE, toHex } from "./support.ts";

const IPV4 = {
  source: { hostname: "203.0.113.7", port: 51234 },
  destination: { hostname: "198.51.100.2", port: 443 },
};
const IPV4_BLOCK = "cb007107 c6336402 c822 01bb";

function encoded(input: Partial<V2Input>): string {
  return toHex(encodeV2({ ...IPV4, ...input }).bytes);
}

function expected(fixed: string, block: string): string {
  const bytes = hex(block);
  return SIGNATURE + fixed + bytes.length.toString(16).padStart(4, "0") + toHex(bytes);
}

Deno.test("encodeV2() writes the vector of 127.0.0.1:42 with an authority", () => {
  const { bytes, omitted } = encodeV2({
    source: { hostname: "127.0.0.1", port: 42 },
    destination: { hostname: "127.0.0.1", port: 1337 },
    authority: "12345",
  });
  assert.equal(toHex(bytes), "0d0a0d0a000d0a515549540a211100147f0000017f000001002a05390200053132333435");
  assert.deepEqual(omitted, []);
});

Deno.test("encodeV2() writes IPv4", () => assert.equal(encoded({}), expected("2111", IPV4_BLOCK)));

Deno.test("encodeV2() writes IPv6, without its zone", () => {
  assert.equal(
    encoded({ source: { hostname: "2001:db8::7%9", port: 1 }, destination: { hostname: "::1", port: 65535 } }),
    expected("2121", "20010db8000000000000000000000007 00000000000000000000000000000001 0001 ffff"),
  );
});

Deno.test("encodeV2() writes two IPv4-mapped ends as IPv4", () => {
  assert.equal(
    encoded({
      source: { hostname: "::ffff:203.0.113.7", port: 51234 },
      destination: { hostname: "::ffff:c633:6402", port: 443 },
    }),
    expected("2111", IPV4_BLOCK),
  );
});

Deno.test("encodeV2() maps the IPv4 end of a mixed pair", () => {
  assert.equal(
    encoded({ destination: { hostname: "2001:db8::1", port: 443 } }),
    expected("2121", "00000000000000000000ffffcb007107 20010db8000000000000000000000001 c822 01bb"),
  );
});

Deno.test("encodeV2() writes ends without addresses as LOCAL and UNSPEC", () => {
  const nameless = { hostname: "", port: 0 };
  assert.equal(encoded({ source: nameless, destination: nameless }), expected("2000", ""));
  assert.equal(encoded({ source: nameless }), expected("2000", ""));
  assert.equal(encoded({ source: { hostname: "example.com", port: 1 }, alpn: "h2" }), expected("2000", "010002 6832"));
});

Deno.test("encodeV2() writes named Unix sockets as AF_UNIX", () => {
  const path = toHex(ascii("/run/tls.sock")).padEnd(216, "0");
  assert.equal(
    encoded({ source: { hostname: "", port: 0 }, destination: { hostname: "", port: 0, path: "/run/tls.sock" } }),
    expected("2131", "00".repeat(108) + path),
  );
  const abstract = toHex(ascii("\0client")).padEnd(216, "0");
  assert.equal(
    encoded({
      source: { hostname: "", port: 0, path: "\0client" },
      destination: { hostname: "", port: 0, path: "/".repeat(108) },
    }),
    expected("2131", abstract + "2f".repeat(108)),
  );
});

Deno.test("encodeV2() leaves nothing of an earlier header in a scratch buffer", () => {
  const scratch = new Uint8Array(DEFAULT_MAX_HEADER_BYTES).fill(0xee);
  const unix = { hostname: "", port: 0, path: "/a" };
  const first = encodeV2({ source: unix, destination: { ...unix, path: "" }, crc32c: true }, { scratch });
  scratch.fill(0x11);
  const second = encodeV2({ source: unix, destination: { ...unix, path: "" }, crc32c: true });
  assert.deepEqual(first.bytes, second.bytes);
});

Deno.test("encodeV2() writes ALPN, authority, unique id", () => {
  assert.equal(
    encoded({ alpn: "h2", authority: "a.é", uniqueId: "id" }),
    expected("2111", `${IPV4_BLOCK} 01 0002 6832  02 0004 612ec3a9  05 0002 6964`),
  );
  assert.equal(encoded({ uniqueId: hex("00ff") }), expected("2111", `${IPV4_BLOCK} 05 0002 00ff`));
});

Deno.test("encodeV2() leaves out what is empty", () => {
  assert.equal(encoded({ alpn: "", authority: "", uniqueId: "" }), expected("2111", IPV4_BLOCK));
});

Deno.test("encodeV2() says that the client used TLS and sent no certificate", () => {
  assert.equal(
    encoded({ ssl: { version: "TLSv1.3", cipher: "X" } }),
    expected("2111", `${IPV4_BLOCK} 20 0013  01 00000001  21 0007 544c5376312e33  23 0001 58`),
  );
});

Deno.test("encodeV2() says zero for verify with a verified certificate only", () => {
  const flagsAndVerify = (onThisConnection: boolean, verified: boolean) =>
    encoded({ ssl: { version: "T", client: { onThisConnection, verified } } }).slice(2 * 31, 2 * 36);
  assert.equal(flagsAndVerify(true, true), "0700000000");
  assert.equal(flagsAndVerify(false, true), "0500000000");
  assert.equal(flagsAndVerify(true, false), "0700000001");
});

Deno.test("encodeV2() nests common name and certificate in the SSL TLV", () => {
  assert.equal(
    encoded({
      ssl: {
        version: "T",
        client: { onThisConnection: true, verified: true, commonName: "Zoë", der: hex("3003020107") },
      },
    }),
    expected("2111", `${IPV4_BLOCK} 20 0018  07 00000000  21 0001 54  22 0004 5a6fc3ab  28 0005 3003020107`),
  );
});

Deno.test("encodeV2() leaves the SSL TLV out where the version is unknown", () => {
  const { bytes, omitted } = encodeV2({ ...IPV4, ssl: { version: "" } });
  assert.equal(toHex(bytes), expected("2111", IPV4_BLOCK));
  assert.deepEqual(omitted, ["ssl"]);
});

Deno.test("encodeV2() leaves out what is too long, whole, and says so", () => {
  const { bytes, omitted } = encodeV2({
    ...IPV4,
    alpn: "a".repeat(256),
    authority: "€".repeat(86), // 258 bytes
    uniqueId: "u".repeat(129),
    ssl: {
      version: "T",
      cipher: "c".repeat(256),
      client: { onThisConnection: true, verified: true, commonName: "n".repeat(256), der: new Uint8Array(65536) },
    },
    crc32c: true,
  }, { maxBytes: 65551 });
  assert.deepEqual(omitted, ["alpn", "authority", "unique-id", "cipher", "common-name", "client-cert"]);
  const { length, header } = parsed(bytes);
  assert.equal(length, bytes.length);
  assert.deepEqual(header.tlvs.map(({ type }) => type), [3, 0x20]);
  assert.deepEqual(omittedOf({ uniqueId: new Uint8Array(129) }), ["unique-id"]);
  assert.deepEqual(omittedOf({ ssl: { version: "v".repeat(256) } }), ["ssl"]);
});

function omittedOf(input: Partial<V2Input>): readonly string[] {
  return encodeV2({ ...IPV4, ...input }).omitted;
}

Deno.test("encodeV2() keeps what is exactly as long as may be", () => {
  assert.deepEqual(omittedOf({ alpn: "a".repeat(255), authority: "€".repeat(85), uniqueId: "u".repeat(128) }), []);
});

Deno.test("encodeV2() leaves out a certificate that would make the header longer than its limit", () => {
  const withDer = (size: number, maxBytes?: number) =>
    encodeV2({
      ...IPV4,
      alpn: "h2",
      ssl: { version: "T", client: { onThisConnection: true, verified: true, der: new Uint8Array(size) } },
      crc32c: true,
    }, { maxBytes });
  const rest = withDer(1).bytes.length - 1;
  for (const limit of [LEAST_MAX_HEADER_BYTES, DEFAULT_MAX_HEADER_BYTES, 65551]) {
    const fits = withDer(limit - rest, limit);
    assert.equal(fits.bytes.length, limit);
    assert.deepEqual(fits.omitted, []);
    assert.equal(parsed(fits.bytes, limit).length, limit);
    const over = withDer(limit - rest + 1, limit);
    assert.equal(over.bytes.length, rest - 3);
    assert.deepEqual(over.omitted, ["client-cert"]);
    parsed(over.bytes);
  }
  assert.deepEqual(withDer(DEFAULT_MAX_HEADER_BYTES).omitted, ["client-cert"]);
});

Deno.test("encodeV2() leaves out one TLV after another at the least limit, and keeps the checksum", () => {
  const unix = { hostname: "", port: 0, path: "/x" };
  const { bytes, omitted } = encodeV2({
    source: unix,
    destination: unix,
    alpn: "h2",
    authority: "example.com",
    uniqueId: "1",
    ssl: { version: "TLSv1.3" },
    crc32c: true,
  }, { maxBytes: LEAST_MAX_HEADER_BYTES });
  assert.equal(bytes.length, LEAST_MAX_HEADER_BYTES);
  assert.deepEqual(omitted, ["alpn", "authority", "unique-id", "ssl"]);
  assert.deepEqual(parsed(bytes).header.tlvs.map(({ type }) => type), [3]);
});

Deno.test("encodeV2() refuses limits that no header can have", () => {
  for (const maxBytes of [0, LEAST_MAX_HEADER_BYTES - 1, 65552, 1000.5, NaN]) {
    assert.throws(() => encodeV2(IPV4, { maxBytes }), { name: "RangeError", message: /allowed are 239 to 65551/ });
  }
});

Deno.test("encodeV2() refuses ports that cannot be", () => {
  assert.throws(() => encodeV2({ ...IPV4, source: { hostname: "10.0.0.1", port: 65536 } }), RangeError);
});
