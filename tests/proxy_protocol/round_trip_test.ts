import assert from "node:assert/strict";
import { encodeV1 } from "../../src/proxy_protocol/encode_v1.ts";
import { encodeV2, type V2Input } from "../../src/proxy_protocol/encode_v2.ts";
import type { Endpoint, Endpoints } from "../../src/proxy_protocol/endpoint.ts";
import { formatIp } from "../../src/net/ip_address.ts";
import { findTlv, parseSslTlv } from "../support/parse_ssl_tlv.ts";
import { TlvType, V1_MAX_BYTES } from "../../src/proxy_protocol/wire.ts";
import { concat, outcome, parsed, Random } from "./support.ts";

const ROUNDS = 3000;

function ip(random: Random): Endpoint {
  const bytes = random.bytes(random.pick([4, 16]));
  if (bytes.length === 16 && random.below(2)) bytes.fill(0, random.below(8), 8 + random.below(8));
  if (bytes.length === 16 && random.below(4) === 0) bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]);
  return { hostname: formatIp(bytes), port: random.below(65536) };
}

/** What must come out: the same, but IPv4-mapped ends as IPv4. */
function plain({ source, destination }: Endpoints): Endpoints {
  const unmapped = ({ hostname, port }: Endpoint): Endpoint => {
    const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(hostname);
    if (!groups) return { hostname, port };
    const [high, low] = [parseInt(groups[1], 16), parseInt(groups[2], 16)];
    return { hostname: [high >> 8, high & 255, low >> 8, low & 255].join("."), port };
  };
  return { source: unmapped(source), destination: unmapped(destination) };
}

Deno.test("parseProxyHeader() reads back what encodeV1() wrote", () => {
  const random = new Random(11);
  for (let round = 0; round < ROUNDS; round++) {
    const endpoints = { source: ip(random), destination: ip(random) };
    const bytes = encodeV1(endpoints);
    assert.equal(bytes.length <= V1_MAX_BYTES, true);
    const { length, header } = parsed(concat(bytes, random.bytes(random.below(50))));
    assert.equal(length, bytes.length);
    assert.deepEqual(header, { version: 1, command: "PROXY", endpoints: plain(endpoints), tlvs: [] });
  }
});

Deno.test("parseProxyHeader() reads back what encodeV2() wrote, every TLV", () => {
  const random = new Random(12);
  const maybe = <T>(make: () => T) => random.below(3) ? make() : undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const input: V2Input = {
      source: ip(random),
      destination: ip(random),
      alpn: maybe(() => random.text(1 + random.below(10))),
      authority: maybe(() => random.text(1 + random.below(60))),
      uniqueId: maybe(() => random.bytes(1 + random.below(128))),
      crc32c: random.below(2) === 1,
      ssl: maybe(() => ({
        version: random.pick(["TLSv1.2", "TLSv1.3"]),
        cipher: maybe(() => random.text(1 + random.below(30))),
        client: maybe(() => ({
          onThisConnection: random.below(2) === 1,
          verified: random.below(2) === 1,
          commonName: maybe(() => random.text(1 + random.below(60))),
          der: maybe(() => random.bytes(1 + random.below(300))),
        })),
      })),
    };
    const { bytes, omitted } = encodeV2(input);
    assert.deepEqual(omitted, []);
    const { length, header } = parsed(concat(bytes, random.bytes(random.below(50))));
    assert.equal(length, bytes.length);
    assert.equal(header.version, 2);
    assert.equal(header.command, "PROXY");
    assert.deepEqual(header.endpoints, plain(input));

    const text = (type: number) => {
      const value = findTlv(header.tlvs, type);
      return value && new TextDecoder().decode(value);
    };
    assert.equal(text(TlvType.alpn), input.alpn);
    assert.equal(text(TlvType.authority), input.authority);
    assert.deepEqual(findTlv(header.tlvs, TlvType.uniqueId), input.uniqueId);
    assert.equal(findTlv(header.tlvs, TlvType.crc32c) !== undefined, input.crc32c);
    const value = findTlv(header.tlvs, TlvType.ssl);
    const { ssl } = input;
    assert.equal(value !== undefined, ssl !== undefined);
    if (!value || !ssl) continue;
    const read = parseSslTlv(value);
    assert.equal(read.ssl, true);
    assert.equal(read.certificateInSession, ssl.client !== undefined);
    assert.equal(read.certificateOnConnection, ssl.client?.onThisConnection === true);
    assert.equal(read.verify === 0, ssl.client?.verified === true);
    assert.equal(read.version, ssl.version);
    assert.equal(read.cipher, ssl.cipher);
    assert.equal(read.commonName, ssl.client?.commonName);
    assert.deepEqual(read.clientCertificate, ssl.client?.der);
  }
});

Deno.test("parseProxyHeader() reads back Unix sockets", () => {
  const random = new Random(13);
  for (let round = 0; round < 300; round++) {
    const path = () => random.pick(["", "/", "\0", "\ufeff"]) + random.text(random.below(25));
    const endpoints = {
      source: { hostname: "", port: 0, path: "" },
      destination: { hostname: "", port: 0, path: `/${path()}`.replace(/\0/g, "") },
    };
    const abstract = path();
    // A name of NULs alone cannot be told from none: the field is padded with them.
    if (/[^\0]/.test(abstract)) endpoints.source.path = abstract;
    assert.deepEqual(parsed(encodeV2(endpoints).bytes).header.endpoints, endpoints);
  }
});

Deno.test("parseProxyHeader() takes no beginning of a random header for a whole one", () => {
  const random = new Random(14);
  for (let round = 0; round < 200; round++) {
    const endpoints = { source: ip(random), destination: ip(random) };
    const ssl = { version: "TLSv1.3", client: { onThisConnection: true, verified: true, der: random.bytes(40) } };
    for (const bytes of [encodeV1(endpoints), encodeV2({ ...endpoints, alpn: "h2", ssl, crc32c: true }).bytes]) {
      for (let cut = 0; cut < bytes.length; cut++) assert.equal(outcome(bytes.subarray(0, cut)), "need-more");
    }
  }
});
