import type { ConnectionRecord } from "../observe/record.ts";
import type { TlsInfo } from "../runtime/contract.ts";

/** What a record says of a connection's TLS: what the engine knew, and nothing else. */
export function tlsFields({ sni, version, cipher, alpn, resumed, peer }: TlsInfo): Partial<ConnectionRecord> {
  return {
    ...(sni === undefined ? {} : { sni }),
    ...(version === undefined ? {} : { tls_version: version }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(alpn === undefined ? {} : { alpn }),
    ...(resumed === undefined ? {} : { resumed }),
    ...(peer === undefined ? {} : { client_cn: peer.commonName, client_dns: peer.dnsNames, client_uris: peer.uris }),
  };
}
