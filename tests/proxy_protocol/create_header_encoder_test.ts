import { deepEqual, equal, throws } from "node:assert/strict";
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
  deepEqual(types([]), []);
  deepEqual(types(["alpn"]), [TlvType.alpn]);
  deepEqual(types(["authority"]), [TlvType.authority]);
  deepEqual(types(["ssl"]), [TlvType.ssl]);
  deepEqual(types(["unique-id"]), [TlvType.uniqueId]);
  deepEqual(types(["crc32c"]), [TlvType.crc32c]);
});

Deno.test("createHeaderEncoder() sends all that is known", () => {
  deepEqual(types(ALL), [TlvType.crc32c, TlvType.alpn, TlvType.authority, TlvType.uniqueId, TlvType.ssl]);
  deepEqual(ssl(ALL, TLS), {
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
  deepEqual(types(ALL, {}), [TlvType.crc32c, TlvType.uniqueId]);
  deepEqual(types(ALL, { alpn: "h2" }), [TlvType.crc32c, TlvType.alpn, TlvType.uniqueId]);
  equal(ssl(ALL, { version: "TLSv1.2" })?.cipher, undefined);
});

Deno.test("createHeaderEncoder() sends the certificate only where it was asked for, and then within the SSL TLV", () => {
  equal(ssl(["ssl"], TLS)?.clientCertificate, undefined);
  equal(ssl(["ssl"], TLS)?.commonName, "alice");
  deepEqual(ssl(["client-cert"], TLS)?.clientCertificate, Uint8Array.of(0x30, 0));
});

Deno.test("createHeaderEncoder() says of a certificate from a resumed session that it is the session's", () => {
  for (const resumed of [true, undefined]) {
    const found = ssl(["ssl"], { ...TLS, resumed });
    equal(found?.certificateOnConnection, false);
    equal(found?.certificateInSession, true);
    equal(found?.verify, 0);
  }
});

Deno.test("createHeaderEncoder() says of a client without a certificate that none was verified", () => {
  const found = ssl(["ssl"], { ...TLS, peer: undefined });
  equal(found?.certificateInSession, false);
  equal(found?.verify === 0, false);
});

Deno.test("createHeaderEncoder() makes version 1 lines", () => {
  const encode = createHeaderEncoder({ version: "v1", tlvs: ALL });
  const { bytes, omitted } = encode(ENDS, TLS, "conn-1");
  equal(new TextDecoder().decode(bytes), "PROXY TCP4 203.0.113.7 198.51.100.2 51234 443\r\n");
  deepEqual(omitted, []);
});

Deno.test("createHeaderEncoder() hands out headers that the next one does not change", () => {
  const encode = createHeaderEncoder({ version: "v2", tlvs: ALL });
  const first = encode(ENDS, TLS, "conn-1").bytes;
  const copy = first.slice();
  encode({ source: ENDS.destination, destination: ENDS.source }, {}, "conn-2");
  deepEqual(first, copy);
});

Deno.test("createHeaderEncoder() leaves out a certificate over its limit and says so", () => {
  const tls = { ...TLS, peer: { ...TLS.peer!, der: new Uint8Array(600) } };
  const { bytes, omitted } = createHeaderEncoder({ version: "v2", tlvs: ALL, maxBytes: 536 })(ENDS, tls, "conn-1");
  deepEqual(omitted, ["client-cert"]);
  equal(parseSslTlv(findTlv(parsed(bytes).header.tlvs, TlvType.ssl)!).commonName, "alice");
});

Deno.test("createHeaderEncoder() refuses a limit out of range before the first connection", () => {
  throws(() => createHeaderEncoder({ version: "v2", tlvs: [], maxBytes: -1 }), RangeError);
  throws(() => createHeaderEncoder({ version: "v2", tlvs: [], maxBytes: 65552 }), RangeError);
});
