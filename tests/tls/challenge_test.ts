/** The handshake of a validation, with the clients of others. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { makeChallenge } from "../../src/acme/protocol/make_challenge.ts";
import { sha256 } from "../../src/acme/protocol/jws.ts";
import { ChallengeError, ChallengeHandshake } from "../../src/tls/challenge/handshake.ts";
import { isValidation, readHandshakeMessage, readOffer } from "../../src/tls/challenge/offer.ts";
import { ChallengeServer } from "../support/peers/challenge_server.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { until } from "../support/wait.ts";

const OPENSSL = [{ command: "openssl", debian: "openssl" }];
const GNUTLS = [{ command: "gnutls-cli", debian: "gnutls-bin" }];
const CHALLENGE = await makeChallenge({ type: "dns", value: "a.example.net" }, "token", "thumbprint");

Deno.test("the certificate of a challenge is for its name alone, with the digest in a critical extension", async () => {
  const certificate = new X509Certificate(CHALLENGE.cert);
  assert.equal(certificate.subjectAltName, "DNS:a.example.net");
  // id-pe-acmeIdentifier, TRUE, and an OCTET STRING in an OCTET STRING.
  const digest = await sha256("token.thumbprint");
  const expected = Uint8Array.of(0x06, 8, 0x2b, 6, 1, 5, 5, 7, 1, 0x1f, 1, 1, 0xff, 4, 34, 4, 32, ...digest);
  assert.ok(certificate.raw.includes(expected as never), "extension");
});

for (const group of ["X25519", "P-256"]) {
  peerTest(`OpenSSL completes the handshake of a validation with a key share of ${group}`, OPENSSL, async () => {
    await using server = new ChallengeServer();
    await server.present([CHALLENGE]);
    const { text } = await runPeer("openssl", [
      ...["s_client", "-connect", `127.0.0.1:${server.port}`, "-servername", "A.example.net"],
      ...["-alpn", "acme-tls/1", "-groups", group, "-tls1_3"],
    ], new Uint8Array(0));
    assert.match(text, /ALPN protocol: acme-tls\/1/);
    assert.match(text, /CN = ACME challenge/);
    assert.match(text, /New, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/);
    assert.doesNotMatch(text, /Acceptable client certificate CA names|Client Certificate Types/);
    await until(() => server.results.length > 0, "the connection has ended");
    assert.deepEqual(server.results, [""]);
  });
}

peerTest("GnuTLS completes the handshake of a validation", GNUTLS, async () => {
  await using server = new ChallengeServer();
  await server.present([CHALLENGE]);
  const { text } = await runPeer("gnutls-cli", [
    ...["--insecure", "--alpn", "acme-tls/1", "--sni-hostname", "a.example.net", "-p", `${server.port}`, "127.0.0.1"],
  ], new Uint8Array(0));
  assert.match(text, /Application protocol: acme-tls\/1/);
  assert.match(text, /Handshake was completed/);
});

peerTest(
  "a name without a challenge gets unrecognized_name, a client without TLS 1.3 handshake_failure",
  OPENSSL,
  async () => {
    await using server = new ChallengeServer();
    await server.present([CHALLENGE]);
    const ask = (...args: string[]) =>
      runPeer("openssl", ["s_client", "-connect", `127.0.0.1:${server.port}`, "-alpn", "acme-tls/1", ...args]);
    assert.match((await ask("-servername", "b.example.net")).errors, /unrecognized name/);
    assert.match((await ask("-servername", "a.example.net", "-tls1_2")).errors, /handshake failure/);
    assert.match((await ask("-servername", "a.example.net", "-groups", "X448")).errors, /handshake failure/);
    await until(() => server.results.length === 3, "three connections have ended");
    assert.match(server.results[0], /No challenge for server name "b\.example\.net"/);
    assert.match(server.results[1], /must offer TLS 1\.3/);
  },
);

peerTest("a client that does not accept the certificate ends it with its alert", OPENSSL, async () => {
  await using server = new ChallengeServer();
  await server.present([CHALLENGE]);
  await runPeer("openssl", [
    ...["s_client", "-connect", `127.0.0.1:${server.port}`, "-servername", "a.example.net", "-alpn", "acme-tls/1"],
    "-verify_return_error",
  ]);
  await until(() => server.results.length > 0, "the connection has ended");
  assert.match(server.results[0], /Client sent alert \d+/);
});

Deno.test("a client validates by offering acme-tls/1 and nothing else", async () => {
  for (
    const [alpn, expected] of [
      [["acme-tls/1"], true],
      [["acme-tls/1", "h2"], false],
      [["h2", "acme-tls/1"], false],
      [["h2"], false],
      [[], false],
    ] as const
  ) {
    const offer = readOffer(await recordHello([...alpn]));
    assert.equal(offer && isValidation(offer), expected, alpn.join());
  }
});

Deno.test("garbage after the first flight is refused, however it comes", async () => {
  const hello = await recordHello(["acme-tls/1"]);
  const make = () => new ChallengeHandshake(readHandshakeMessage(hello)!, readOffer(hello)!, CHALLENGE);
  const forged = Uint8Array.of(23, 3, 3, 0, 40, ...new Uint8Array(40));
  const cases: [Uint8Array, RegExp][] = [
    [forged, /not authentic/],
    [Uint8Array.of(23, 3, 3, 0, 2, 1, 1), /not authentic/],
    [Uint8Array.of(22, 3, 3, 0, 1, 0), /Unexpected record of type 22/],
    [Uint8Array.of(21, 3, 3, 0, 2, 2, 42), /alert 42/],
    [Uint8Array.of(23, 3, 3, 0xff, 0xff), /too long/],
  ];
  for (const [bytes, expected] of cases) {
    assert.throws(
      () => make().receive(bytes),
      (error) => error instanceof ChallengeError && expected.test(error.message),
    );
    // Byte by byte as well, behind a ChangeCipherSpec.
    const handshake = make();
    assert.throws(() => {
      for (const byte of [20, 3, 3, 0, 1, 1, ...bytes]) assert.equal(handshake.receive(Uint8Array.of(byte)), null);
    }, expected);
  }
});

/** What a client of Deno's own sends first. */
async function recordHello(alpnProtocols: string[]): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const server = await listener.accept();
  const tls = await Deno.startTls(client, { hostname: "a.example.net", alpnProtocols });
  const failed = tls.handshake().catch(() => {});
  const buffer = new Uint8Array(8192);
  const length = (await server.read(buffer))!;
  server.close();
  await failed;
  tls.close();
  return buffer.slice(0, length);
}
