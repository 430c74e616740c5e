import assert from "node:assert/strict";
import { failureClass } from "../../src/tls/failure_class.ts";

/** What the engines said on 2.9.6 (Deno), 1.4.5 (Bun) and 20 (Node), of clients that were made to fail. */
const SAID: Record<string, string[]> = {
  "client-distrusts-certificate": [
    "received fatal alert: UnknownCA",
    "BAD_PACKET_LENGTH",
    "TLSV1_ALERT_UNKNOWN_CA",
    "tlsv1 alert unknown ca",
  ],
  "plain-http": ["HTTP_REQUEST", "http request"],
  "not-tls": [
    "received corrupt message of type InvalidContentType (SSL routines:ssl3_get_record:wrong version number)",
    "EXCESSIVE_MESSAGE_SIZE",
    "WRONG_VERSION_NUMBER",
    "wrong version number",
  ],
  "no-common-protocol": [
    "peer doesn't support any known protocol",
    "NO_APPLICATION_PROTOCOL",
    "no application protocol",
  ],
  "no-common-version": [
    "peer is incompatible: SignatureAlgorithmsExtensionRequired",
    "Client offers no TLS version that the listener speaks",
    "UNSUPPORTED_PROTOCOL",
    "unsupported protocol",
  ],
  "no-common-cipher": ["peer is incompatible: NoKxGroupsInCommon", "WRONG_CURVE", "no shared cipher"],
  "unknown-server-name": [
    'No certificate for server name "x.example"',
    "peer misbehaved: ServerNameMustContainOneHostName",
  ],
  "certificate-missing": [
    "peer sent no certificates",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    "peer did not return a certificate",
    "Client sent no certificate",
  ],
  "certificate-wrong-use": ["Client certificate was not verified: INVALID_PURPOSE", "KEY_USAGE_BIT_INCORRECT"],
  "client-left": [
    "unexpected end of file",
    "Connection ended within the handshake",
    "Connection reset by peer",
    "connection reset",
  ],
};

Deno.test("failureClass() has one word for what each engine says of the same failure", () => {
  for (const [expected, texts] of Object.entries(SAID)) {
    for (const text of texts) assert.equal(failureClass(new Error(text)), expected, text);
  }
  assert.equal(failureClass(new Error("something new")), undefined);
  assert.equal(failureClass("no error"), undefined);
});
