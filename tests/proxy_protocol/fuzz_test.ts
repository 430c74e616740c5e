/** 100 000 mutated headers, each given to both decoders: never a crash, a hang, or another address. */
import assert from "node:assert/strict";
import { encodeV1 } from "../../src/proxy_protocol/encode_v1.ts";
import { encodeV2, type V2Input } from "../../src/proxy_protocol/encode_v2.ts";
import type { Endpoint } from "../../src/proxy_protocol/endpoint.ts";
import { ACCEPTED_HEADER_BYTES, parseProxyHeader } from "../../src/proxy_protocol/parse.ts";
import { ProxyHeaderError } from "../../src/proxy_protocol/proxy_header_error.ts";
import { parseSslTlv } from "../support/parse_ssl_tlv.ts";
import { referenceDecode, type ReferenceResult, slowCrc32c } from "./reference_decoder.ts";
import { ascii, concat, hex, INET_BLOCK, Random, tlv, toHex, v2 } from "./support.ts";

const ROUNDS = 100_000;

const V4 = { source: { hostname: "203.0.113.7", port: 51234 }, destination: { hostname: "10.0.0.1", port: 443 } };
const V6 = { source: { hostname: "2001:db8::7", port: 51234 }, destination: { hostname: "::1", port: 443 } };
const MIXED = { source: V4.source, destination: V6.destination };
const UNIX = { hostname: "", port: 0, path: "/run/tls.sock" };
const TLVS: Partial<V2Input> = {
  alpn: "h2",
  authority: "app.example",
  uniqueId: "conn-1",
  ssl: {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    client: { onThisConnection: true, verified: true, commonName: "alice", der: hex("3003020107") },
  },
};

const SEEDS: Uint8Array[] = [
  ascii("PROXY UNKNOWN\r\n"),
  ascii("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"),
  ascii("PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 53958 27102\r\n"),
  ...[V4, V6, MIXED].flatMap((ends) => [
    encodeV1(ends),
    encodeV2(ends).bytes,
    encodeV2({ ...ends, ...TLVS }).bytes,
    encodeV2({ ...ends, ...TLVS, crc32c: true }).bytes,
  ]),
  encodeV2({ source: UNIX, destination: UNIX, alpn: "h2", crc32c: true }).bytes,
  v2(0x21, 0x12, concat(INET_BLOCK, tlv(4, new Uint8Array(3)), tlv(0x30, ascii("blue")))),
  v2(0x21, 0x00, concat(tlv(1, ascii("h2")), tlv(3, hex("00000000")))),
  v2(0x20, 0x00, tlv(3, hex("00000000"))),
  v2(0x20, 0x11, INET_BLOCK),
];

function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const within = random.below(bytes.length);
  const copy = bytes.slice();
  switch (random.below(9)) {
    case 0:
      copy[within] ^= 1 << random.below(8);
      return copy;
    case 1:
      copy[within] = random.below(256);
      return copy;
    case 2:
      copy[within] = random.pick([0, 1, 3, 5, 0x0a, 0x0d, 0x20, 0x2e, 0x30, 0x3a, 0x7f, 0xff]);
      return copy;
    case 3: // a byte more
      return concat(bytes.subarray(0, at), Uint8Array.of(random.below(256)), bytes.subarray(at));
    case 4: // a byte less
      return concat(bytes.subarray(0, within), bytes.subarray(within + 1));
    case 5: // cut
      return bytes.slice(0, at);
    case 6: { // a piece of another
      const other = random.pick(SEEDS);
      const start = random.below(other.length);
      return concat(bytes.subarray(0, at), other.subarray(start, start + random.below(20)), bytes.subarray(at));
    }
    case 7: // a length that lies
      if (copy.length < 16) return copy;
      copy[15] += random.pick([-3, -2, -1, 1, 2, 3]);
      if (random.below(8) === 0) copy[14] = random.below(256);
      return copy;
    default: // what follows
      return concat(bytes, random.bytes(random.below(30)));
  }
}

/** Gives a mutated header the right length and checksum, so that mutations behind them are reached. */
function repair(random: Random, bytes: Uint8Array): void {
  if (bytes.length < 16 || bytes[0] !== 0x0d) return;
  if (random.below(2)) {
    bytes[14] = (bytes.length - 16) >> 8;
    bytes[15] = bytes.length - 16;
  }
  const length = 16 + (bytes[14] << 8 | bytes[15]);
  for (let at = 16; at + 7 <= Math.min(length, bytes.length); at++) {
    if (bytes[at] !== 3 || bytes[at + 1] !== 0 || bytes[at + 2] !== 4) continue;
    bytes.fill(0, at + 3, at + 7);
    bytes.set(slowCrc32c(bytes.subarray(0, length)), at + 3);
    return;
  }
}

function decode(bytes: Uint8Array, limit: number): ReferenceResult {
  try {
    const result = parseProxyHeader(bytes, limit);
    if (result.kind === "need-more") return result;
    const { length, header: { endpoints, tlvs } } = result;
    for (const { type, value } of tlvs) {
      if (type === 0x20) parseSslTlv(value);
    }
    return { kind: "done", length, ends: endpoints && ends(endpoints.source, endpoints.destination), tlvs: list(tlvs) };
  } catch (error) {
    if (error instanceof ProxyHeaderError) return { kind: "refused" };
    throw new Error(`crashed on ${toHex(bytes)}`, { cause: error });
  }
}

function ends(source: Endpoint, destination: Endpoint): string {
  const paths = source.path === undefined ? "" : ` ${source.path} ${destination.path}`;
  return `${source.hostname} ${source.port} ${destination.hostname} ${destination.port}${paths}`;
}

function list(tlvs: readonly { type: number; value: Uint8Array }[]): string {
  return tlvs.map(({ type, value }) => `${type}:${value.join()}`).join(" ");
}

Deno.test(`parseProxyHeader() agrees with the reference decoder on ${ROUNDS} mutated headers`, () => {
  const random = new Random(6);
  const seen = { "need-more": 0, refused: 0, done: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    let bytes: Uint8Array = random.pick(SEEDS).slice();
    for (let left = random.below(4); left >= 0 && bytes.length > 0; left--) bytes = mutate(random, bytes);
    if (random.below(2)) repair(random, bytes);
    const limit = random.below(4) ? ACCEPTED_HEADER_BYTES : 107 + random.below(200);
    const found = decode(bytes, limit);
    const expected = referenceDecode(bytes, limit);
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Error(
        `${JSON.stringify(found)} is not ${JSON.stringify(expected)} for ${toHex(bytes)}, limit ${limit}`,
      );
    }
    if (found.kind === "done") {
      // Fed byte by byte, it is whole at the same byte and not before.
      assert.equal(decode(bytes.subarray(0, found.length - 1), limit).kind, "need-more", toHex(bytes));
      assert.equal(JSON.stringify(decode(bytes.subarray(0, found.length), limit)), JSON.stringify(found));
    }
    seen[found.kind]++;
  }
  for (const [kind, count] of Object.entries(seen)) {
    assert.equal(count > ROUNDS / 20, true, `only ${count} were ${kind}`);
  }
});
