import assert from "node:assert/strict";
import type { ProxyProtocolTlv } from "../../src/config/config.ts";
import type { TlsInfo } from "../../src/tls/tls_info.ts";
import { createHeaderEncoder } from "../../src/proxy_protocol/create_header_encoder.ts";
import { findTlv, parseSslTlv, type SslTlv } from "../support/parse_ssl_tlv.ts";
import { TlvType } from "../../src/proxy_protocol/wire.ts";
import { parsed } from "./support.ts";

const ENDS = { source: { hostname: "203.0.113.7", port: 51234 }, destination: { hostname: "198.51.100.2", port: 443 } };
const ALL: ProxyProtocolTlv[] = ["alpn", "authority", "ssl", "client-cert", "unique-id", "crc32c"];
const TLS: TlsInfo = {
  version: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  sni: "app.example",
  alpn: "h2",
  resumed: false,
  peer: { commonName: "alice", dnsNames: [], uris: [], der: Uint8Array.of(0x30, 0) },
};

function types(tlvs: ProxyProtocolTlv[], tls: TlsInfo = TLS): number[] {
  const { bytes } = createHeaderEncoder({ version: "v2", tlvs })(ENDS, tls, "conn-1");
  return parsed(bytes).header.tlvs.map(({ type }) => type);
}

function ssl(tlvs: ProxyProtocolTlv[], tls: TlsInfo): SslTlv | undefined {
  const { bytes } = createHeaderEncoder({ version: "v2", tlvs })(ENDS, tls, "conn-1");
  const value = findTlv(parsed(bytes).header.tlvs, TlvType.ssl);
  return value && parseSslTlv(value);
}

Deno.test("createHeaderEncoder() sends no TLV that was not asked for", () => {
  assert.deepEqual(types([]), []);
  assert.deepEqual(types(["alpn"]), [TlvType.alpn]);
  assert.deepEqual(types(["authority"]), [TlvType.authority]);
  assert.deepEqual(types(["ssl"]), [TlvType.ssl]);
  assert.deepEqual(types(["unique-id"]), [TlvType.uniqueId]);
  assert.deepEqual(types(["crc32c"]), [TlvType.crc32c]);
});

Deno.test("createHeaderEncoder() sends all that is known", () => {
  assert.deepEqual(types(ALL), [TlvType.crc32c, TlvType.alpn, TlvType.authority, TlvType.uniqueId, TlvType.ssl]);
  assert.deepEqual(ssl(ALL, TLS), {
    ssl: true,
    certificateOnConnection: true,
    certificateInSession: true,
    verify: 0,
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    commonName: "alice",
    clientCertificate: Uint8Array.of(0x30, 0),
  });
});

Deno.test("createHeaderEncoder() leaves out what the engine does not know", () => {
  assert.deepEqual(types(ALL, {}), [TlvType.crc32c, TlvType.uniqueId]);
  assert.deepEqual(types(ALL, { alpn: "h2" }), [TlvType.crc32c, TlvType.alpn, TlvType.uniqueId]);
  assert.equal(ssl(ALL, { version: "TLSv1.2" })?.cipher, undefined);
});

Deno.test("createHeaderEncoder() sends the certificate only where it was asked for, and then within the SSL TLV", () => {
  assert.equal(ssl(["ssl"], TLS)?.clientCertificate, undefined);
  assert.equal(ssl(["ssl"], TLS)?.commonName, "alice");
  assert.deepEqual(ssl(["client-cert"], TLS)?.clientCertificate, Uint8Array.of(0x30, 0));
});

Deno.test("createHeaderEncoder() says of a certificate from a resumed session that it is the session's", () => {
  for (const resumed of [true, undefined]) {
    const found = ssl(["ssl"], { ...TLS, resumed });
    assert.equal(found?.certificateOnConnection, false);
    assert.equal(found?.certificateInSession, true);
    assert.equal(found?.verify, 0);
  }
});

Deno.test("createHeaderEncoder() says of a client without a certificate that none was verified", () => {
  const found = ssl(["ssl"], { ...TLS, peer: undefined });
  assert.equal(found?.certificateInSession, false);
  assert.equal(found?.verify === 0, false);
});

Deno.test("createHeaderEncoder() makes version 1 lines", () => {
  const encode = createHeaderEncoder({ version: "v1", tlvs: ALL });
  const { bytes, omitted } = encode(ENDS, TLS, "conn-1");
  assert.equal(new TextDecoder().decode(bytes), "PROXY TCP4 203.0.113.7 198.51.100.2 51234 443\r\n");
  assert.deepEqual(omitted, []);
});

Deno.test("createHeaderEncoder() hands out headers that the next one does not change", () => {
  const encode = createHeaderEncoder({ version: "v2", tlvs: ALL });
  const first = encode(ENDS, TLS, "conn-1").bytes;
  const copy = first.slice();
  encode({ source: ENDS.destination, destination: ENDS.source }, {}, "conn-2");
  assert.deepEqual(first, copy);
});

Deno.test("createHeaderEncoder() leaves out a certificate over its limit and says so", () => {
  const tls = { ...TLS, peer: { ...TLS.peer!, der: new Uint8Array(600) } };
  const { bytes, omitted } = createHeaderEncoder({ version: "v2", tlvs: ALL, maxBytes: 536 })(ENDS, tls, "conn-1");
  assert.deepEqual(omitted, ["client-cert"]);
  assert.equal(parseSslTlv(findTlv(parsed(bytes).header.tlvs, TlvType.ssl)!).commonName, "alice");
});

Deno.test("createHeaderEncoder() refuses a limit out of range before the first connection", () => {
  assert.throws(() => createHeaderEncoder({ version: "v2", tlvs: [], maxBytes: -1 }), RangeError);
  assert.throws(() => createHeaderEncoder({ version: "v2", tlvs: [], maxBytes: 65552 }), RangeError);
});
