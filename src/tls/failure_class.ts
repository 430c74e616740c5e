import { type VerificationClass, VerificationError } from "./verify/verification_error.ts";

/** A short, fixed word for why a handshake has failed, whatever the engine's words for it are. */
export type FailureClass = keyof typeof FAILURE_TABLE | VerificationClass;

/**
 * What rustls (Deno), BoringSSL (Bun) and OpenSSL (Node) say of a failed handshake, in the order of the search. rustls
 * has the same words for plain HTTP and for anything else that is not TLS.
 */
const FAILURE_TABLE = {
  "client-distrusts-certificate": {
    says:
      /UnknownCA|unknown ca|UNKNOWN_CA|CertificateUnknown|certificate unknown|CERTIFICATE_UNKNOWN|BadCertificate|bad certificate|BAD_CERTIFICATE|CertificateExpired|sslv3 alert certificate expired|ALERT_CERTIFICATE_EXPIRED|BAD_PACKET_LENGTH/,
    meaning:
      "the client does not trust the certificate: an authority that it does not know, or a name or date that is wrong",
  },
  "plain-http": {
    says: /HTTP_REQUEST|http request|HTTPS_PROXY_REQUEST|https proxy request/,
    meaning: "the client speaks HTTP without TLS; `native` on Deno says `not-tls`",
  },
  "not-tls": {
    says:
      /InvalidContentType|EXCESSIVE_MESSAGE_SIZE|WRONG_VERSION_NUMBER|wrong version number|UNKNOWN_PROTOCOL|unknown protocol/,
    meaning: "what the client sent is not TLS",
  },
  "no-common-protocol": {
    says: /known protocol|NO_APPLICATION_PROTOCOL|no application protocol|NoApplicationProtocol/,
    meaning: "the client offers no protocol of `alpn`",
  },
  "unknown-server-name": {
    says:
      /No certificate for server name|unrecognized name|UnrecognizedName|UNRECOGNIZED_NAME|ServerNameMustContainOneHostName/,
    meaning: "no certificate is for the server name that the client asked for, or it is no host name (Deno)",
  },
  "no-common-cipher": {
    says:
      /NoKxGroups|NoCipherSuites|NoSignatureSchemes|WRONG_CURVE|NO_SHARED_CIPHER|NO_SHARED_GROUP|NO_COMMON_SIGNATURE|no shared cipher|no suitable (key share|signature)|no shared group/,
    meaning: "client and listener have no cipher suite, group or signature algorithm in common",
  },
  "no-common-version": {
    says:
      /no TLS version|SignatureAlgorithmsExtensionRequired|Tls1[23]NotOffered|SupportedVersions|UNSUPPORTED_PROTOCOL|unsupported protocol|version too low|ProtocolVersion|protocol version|PROTOCOL_VERSION/i,
    meaning: "client and listener have no TLS version in common",
  },
  "certificate-missing": {
    says: /sent no certificate|PEER_DID_NOT_RETURN_A_CERTIFICATE|peer did not return a certificate/,
    meaning: "`client-auth` wants a certificate, and the client sent none",
  },
  "certificate-not-allowed": {
    says: /matches none of allow-/,
    meaning: "the client's certificate is verified, and no allow list names it",
  },
  "certificate-unknown-authority": {
    says: /self.signed|SELF_SIGNED|UNABLE_TO|unable to (get|verify)|issued by nobody/,
    meaning: "no authority of `client-auth.ca` has signed the client's certificate",
  },
  "certificate-wrong-use": {
    says: /certificate purpose|INVALID_PURPOSE|extended key usage|KEY_USAGE_BIT_INCORRECT/,
    meaning: "the client's certificate is not for clients",
  },
  "certificate-expired": {
    says: /certificate has expired|CERT_HAS_EXPIRED/,
    meaning: "the client's certificate has expired",
  },
  "revoked": {
    says: /certificate revoked|CERT_REVOKED/,
    meaning: "the client's certificate is on a list of `client-auth.crl`",
  },
  "client-left": {
    says: /ended within|unexpected end of file|[Cc]onnection reset|Connection was cut|ECONNRESET/,
    meaning: "the client left within the handshake",
  },
} as const satisfies Record<string, { says: RegExp; meaning: string }>;

/** The class of a failed handshake; `undefined` where the engine's words are not in the table. */
export function failureClass(error: unknown): FailureClass | undefined {
  if (!(error instanceof Error)) return undefined;
  for (const one of [error, error.cause]) if (one instanceof VerificationError) return one.verificationClass;
  for (const [name, { says }] of Object.entries(FAILURE_TABLE)) {
    if (says.test(error.message)) return name as FailureClass;
  }
  return undefined;
}
