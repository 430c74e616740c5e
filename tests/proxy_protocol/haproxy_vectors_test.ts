/** Headers that HAProxy 2.6.12 sent, captured on its backend's socket. */
import assert from "node:assert/strict";
import { encodeV2 } from "../../src/proxy_protocol/encode_v2.ts";
import { findTlv, parseSslTlv } from "../support/parse_ssl_tlv.ts";
import { TlvType } from "../../src/proxy_protocol/wire.ts";
import { ascii, hex, outcome, parsed, toHex } from "./support.ts";

/**
 * `send-proxy-v2 proxy-v2-options ssl,cert-cn,cert-key,cert-sig,ssl-cipher,authority,crc32c,unique-id`, TLS in front.
 */
const TLS13 =
  "0d0a0d0a000d0a515549540a211100847f0000017f00000180b869e1030004203a4b55010002683202000b6170702e6578616d706c6505" +
  "001437463030303030313a383042385f2d2d303030382000440100000000210007544c5376312e33250005454332353624001165636473612d" +
  "776974682d534841323536230016544c535f4145535f3235365f47434d5f534841333834";
const TLS12 =
  "0d0a0d0a000d0a515549540a211100917f0000017f00000180c069e1030004ade547e6010008687474702f312e3102000b6170702e6578" +
  "616d706c6505001437463030303030313a383043305f2d2d3030303920004b0100000000210007544c5376312e322500054543323536240011" +
  "65636473612d776974682d53484132353623001d45434448452d45434453412d4145533235362d47434d2d534841333834";
const CLIENT_CERT =
  "0d0a0d0a000d0a515549540a212100bd00000000000000000000000000000001000000000000000000000000000000018b4a69e1" +
  "03000462e26c3602000b6170702e6578616d706c6505002c30303030303030303030303030303030303030303030303030303030303030313a" +
  "384234415f2d2d303030412000520700000000210007544c5376312e3322000b5a6fc3ab20436c69656e742500054543323536240011656364" +
  "73612d776974682d534841323536230016544c535f4145535f3235365f47434d5f534841333834";
const RESUMED =
  "0d0a0d0a000d0a515549540a212100bd00000000000000000000000000000001000000000000000000000000000000018b4e69e10300" +
  "04eb04c58a02000b6170702e6578616d706c6505002c30303030303030303030303030303030303030303030303030303030303030313a38" +
  "4234455f2d2d303030422000520500000000210007544c5376312e3322000b5a6fc3ab20436c69656e7425000545433235362400116563647361" +
  "2d776974682d534841323536230016544c535f4145535f3235365f47434d5f534841333834";

function ends(header: string): string | null {
  const bytes = hex(header);
  const { length, header: { endpoints } } = parsed(bytes);
  assert.equal(length, bytes.length);
  if (!endpoints) return null;
  const { source, destination } = endpoints;
  return `${source.hostname} ${source.port} ${destination.hostname} ${destination.port}`;
}

function ssl(header: string) {
  return parseSslTlv(findTlv(parsed(hex(header)).header.tlvs, TlvType.ssl)!);
}

Deno.test("parseProxyHeader() reads what HAProxy's send-proxy wrote", () => {
  const lines: [string, string | null][] = [
    ["PROXY TCP4 127.0.0.1 127.0.0.1 58562 27101\r\n", "127.0.0.1 58562 127.0.0.1 27101"],
    ["PROXY TCP6 ::1 ::1 59874 27101\r\n", "::1 59874 ::1 27101"],
    // A dual-stack socket.
    ["PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 53958 27102\r\n", "127.0.0.1 53958 127.0.0.1 27102"],
    // A Unix socket.
    ["PROXY UNKNOWN\r\n", null],
  ];
  for (const [line, expected] of lines) assert.equal(ends(toHex(ascii(line))), expected);
});

Deno.test("parseProxyHeader() reads what HAProxy's send-proxy-v2 wrote", () => {
  assert.equal(ends("0d0a0d0a000d0a515549540a2111000c7f0000017f000001977c69df"), "127.0.0.1 38780 127.0.0.1 27103");
  assert.equal(
    ends("0d0a0d0a000d0a515549540a212100240000000000000000000000000000000100000000000000000000000000000001c57a69df"),
    "::1 50554 ::1 27103",
  );
  // A dual-stack socket.
  assert.equal(
    ends("0d0a0d0a000d0a515549540a2121002400000000000000000000ffff7f00000100000000000000000000ffff7f000001c92a69e0"),
    "127.0.0.1 51498 127.0.0.1 27104",
  );
  // A Unix socket.
  assert.equal(ends("0d0a0d0a000d0a515549540a20000000"), null);
  // A health check.
  assert.equal(ends("0d0a0d0a000d0a515549540a20000007030004a9b87e8f"), null);
});

Deno.test("parseProxyHeader() reads HAProxy's TLVs, its checksum verified", () => {
  assert.equal(ends(TLS13), "127.0.0.1 32952 127.0.0.1 27105");
  assert.equal(ends(TLS12), "127.0.0.1 32960 127.0.0.1 27105");
  assert.equal(ends(CLIENT_CERT), "::1 35658 ::1 27105");
  const { tlvs } = parsed(hex(TLS13)).header;
  assert.deepEqual(findTlv(tlvs, TlvType.alpn), ascii("h2"));
  assert.deepEqual(findTlv(tlvs, TlvType.authority), ascii("app.example"));
  assert.deepEqual(findTlv(tlvs, TlvType.uniqueId), ascii("7F000001:80B8_--0008"));
  const broken = hex(TLS13);
  broken[19] ^= 1;
  assert.equal(outcome(broken), "bad-crc");
});

Deno.test("parseSslTlv() reads what HAProxy says of TLS 1.2 and 1.3", () => {
  assert.deepEqual(ssl(TLS13), {
    ssl: true,
    certificateOnConnection: false,
    certificateInSession: false,
    verify: 0, // against section 2.2.6
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    keyAlgorithm: "EC256",
    signatureAlgorithm: "ecdsa-with-SHA256",
  });
  assert.equal(ssl(TLS12).version, "TLSv1.2");
  assert.equal(ssl(TLS12).cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
});

Deno.test("parseSslTlv() reads what HAProxy says of a client certificate, and of a resumed session", () => {
  const { certificateOnConnection, certificateInSession, commonName } = ssl(CLIENT_CERT);
  assert.deepEqual([certificateOnConnection, certificateInSession, commonName], [true, true, "Zoë Client"]);
  const resumed = ssl(RESUMED);
  assert.deepEqual([resumed.certificateOnConnection, resumed.certificateInSession, resumed.commonName], [
    false,
    true,
    "Zoë Client",
  ]);
});

Deno.test("encodeV2() computes the checksum that HAProxy does", () => {
  // Its health check, the same header that an end without addresses gets.
  const nowhere = { hostname: "", port: 0 };
  const { bytes } = encodeV2({ source: nowhere, destination: nowhere, crc32c: true });
  assert.equal(toHex(bytes), "0d0a0d0a000d0a515549540a20000007030004a9b87e8f");
});
