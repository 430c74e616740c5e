import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { Proxy, type TempDir } from "../support/proxies/proxy.ts";
import { type MadeCertificate, makeCertificate } from "../tls/make_certificates.ts";
import { type Outcome, tlsClient } from "./client.ts";
import { sClient } from "../support/peers/s_client.ts";
import { until } from "../support/wait.ts";
import { type Bench, connectionRecord } from "./suite.ts";

const OPENSSL = { command: "openssl", debian: "openssl" };
const DAY_MS = 86_400_000;

/** Cases of identity: the server by its name (SNI), and the client by its certificate (mutual TLS). */
export function identityCases({ has, test, peerTest, start, refusal }: Bench): void {
  const three = {
    certificates: [
      { cert: "shop.pem", key: "shop.key" },
      { cert: "wild.pem", key: "wild.key" },
    ],
  };

  test("chooses the certificate by the server name", async (dir) => {
    await writePair(dir, "shop", { dnsNames: ["shop.example"], key: "RSA-2048" });
    await writePair(dir, "wild", { dnsNames: ["*.example"], key: "Ed25519" });
    if (!has("several-certificates")) return await assertRefused(dir, three, /certificates.*engine = "node"/);
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: three });
    const shown = async (servername: string) => (await tlsClient({ port: proxy.port, servername })).names[0];
    assert.equal(await shown("shop.example"), "shop.example");
    assert.equal(await shown("SHOP.example"), "shop.example");
    assert.equal(await shown("other.example"), "*.example");
    assert.equal(await shown("a.b.example"), "localhost");
    assert.equal(await shown("unknown.test"), "localhost");
    assert.equal(await shown(""), "localhost");
  });

  peerTest("shows each client the certificate of a name whose key it can use", [OPENSSL], async (dir) => {
    const listener = {
      cert: "rsa.pem",
      key: "rsa.key",
      certificates: [
        { cert: "ecdsa.pem", key: "ecdsa.key" },
        { cert: "wild-ecdsa.pem", key: "wild-ecdsa.key" },
        { cert: "wild-rsa.pem", key: "wild-rsa.key" },
      ],
    };
    const keys = { rsa: "RSA-2048", ecdsa: "P-256" } as const;
    for (const commonName of ["rsa", "ecdsa"] as const) {
      const key = keys[commonName];
      await writePair(dir, commonName, { commonName, dnsNames: ["localhost"], key });
      await writePair(dir, `wild-${commonName}`, { commonName: `wild-${commonName}`, dnsNames: ["*.wild.test"], key });
    }
    if (!has("several-certificates")) return await assertRefused(dir, listener, /certificates.*engine = "node"/);
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener });
    const shown = async (...args: string[]) => {
      const { text, echoed } = await sClient(proxy.port, ...args);
      assert.ok(echoed, args.join(" "));
      return /^subject=CN = (.*)$/m.exec(text)?.[1];
    };
    const onlyRsa = [
      ["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"],
      ["-tls1_2", "-sigalgs", "RSA+SHA256"],
      ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
      // A certificate with a key on P-256 is none for this client.
      ["-tls1_2", "-groups", "X25519:P-384"],
    ];
    const onlyEcdsa = [["-tls1_3", "-sigalgs", "ECDSA+SHA256"], [
      "-tls1_2",
      "-cipher",
      "ECDHE-ECDSA-AES128-GCM-SHA256",
    ]];
    for (const able of [["-tls1_3"], ["-tls1_2"], ...onlyEcdsa]) assert.equal(await shown(...able), "ecdsa");
    for (const client of onlyRsa) assert.equal(await shown(...client), "rsa", client.join(" "));
    assert.equal(await shown("-noservername"), "ecdsa");
    assert.equal(await shown("-noservername", ...onlyRsa[2]), "rsa");
    assert.equal(await shown("-servername", "unknown.test", ...onlyRsa[0]), "rsa");
    assert.equal(await shown("-servername", "a.wild.test"), "wild-ecdsa");
    assert.equal(await shown("-servername", "a.wild.test", ...onlyRsa[0]), "wild-rsa");
    assert.equal(await shown("-servername", "a.wild.test", ...onlyRsa[2]), "wild-rsa");

    // The first certificate changes its type, and nobody is left that can use it beside the other.
    await writePair(dir, "rsa", { commonName: "late", dnsNames: ["localhost"], key: "P-256" });
    assert.equal((await proxy.reload()).event, "reload");
    assert.equal(await shown("-tls1_3"), "late");
    assert.equal((await sClient(proxy.port, ...onlyRsa[0])).echoed, false);
    assert.equal(await shown("-servername", "a.wild.test", ...onlyRsa[0]), "wild-rsa");
  });

  peerTest("decrypts private keys by their passphrases, which stand nowhere", [OPENSSL], async (dir) => {
    const several = has("several-certificates");
    await writePair(dir, "one", { commonName: "one", dnsNames: ["localhost"] });
    await writePair(dir, "two", { commonName: "two", dnsNames: ["two.test"], key: "RSA-2048" });
    Deno.writeTextFileSync(dir.file("passphrase"), "first secret\n", { mode: 0o600 });
    const encrypt = (kind: string[], name: string) =>
      new Deno.Command("openssl", {
        args: [...kind, "-in", dir.file(`${name}.key`), "-passout", `file:${dir.file("passphrase")}`],
      }).outputSync().stdout;
    const pkcs8 = ["pkcs8", "-topk8"];
    Deno.writeFileSync(dir.file("one.key"), encrypt(pkcs8, "one"));
    Deno.writeFileSync(dir.file("two.key"), encrypt(["rsa", "-traditional", "-aes128"], "two"));
    const secret = { "key-passphrase-file": "passphrase" };
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      listener: {
        cert: "one.pem",
        key: "one.key",
        ...secret,
        ...several ? { certificates: [{ cert: "two.pem", key: "two.key", ...secret }] } : {},
      },
    });
    const shown = async (name: string) => (await tlsClient({ port: proxy.port, servername: name })).names[0];
    assert.equal(await shown("localhost"), "localhost");
    if (several) assert.equal(await shown("two.test"), "two.test");

    Deno.writeTextFileSync(dir.file("passphrase"), "second secret\n", { mode: 0o600 });
    assert.equal((await proxy.reload()).event, "reload-failed");
    await proxy.program.record(
      ({ msg }) => /one\.key": the passphrase in ".*passphrase" is wrong$/.test(msg),
      "record of the wrong passphrase",
    );
    assert.equal(await shown("localhost"), "localhost");

    for (const name of several ? ["one", "two"] : ["one"]) {
      await writePair(dir, name, { dnsNames: ["renewed.test"] });
      Deno.writeFileSync(dir.file(`${name}.key`), encrypt(pkcs8, name));
    }
    assert.equal((await proxy.reload()).event, "reload");
    assert.equal(await shown("localhost"), "renewed.test");
    assert.doesNotMatch(JSON.stringify(proxy.program.records), /second secret|first secret|PRIVATE KEY/);
  });

  test("refuses unknown server names with sni-strict", async (dir) => {
    if (!has("sni-strict")) return await assertRefused(dir, { "sni-strict": true }, /sni-strict.*engine = "node"/);
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: { "sni-strict": true } });
    assert.equal((await tlsClient({ port: proxy.port, servername: "localhost" })).answer, "hello");
    assert.equal((await tlsClient({ port: proxy.port, servername: "" })).answer, "hello");
    const unknown = await tlsClient({ port: proxy.port, servername: "unknown.test" });
    assert.equal(unknown.answer, null);
    assert.match(unknown.error, /unrecogni[sz]ed.?name|alert number 112/i);
    await proxy.program.record(({ reason }) => reason === "handshake-failed", "record of the refusal");
  });

  for (const mode of ["required", "optional"] as const) {
    test(`asks clients for a certificate: ${mode}`, async (dir) => {
      const ca = await makeCertificate({ commonName: "clients' CA", ca: true });
      const other = await makeCertificate({ commonName: "another CA", ca: true });
      Deno.writeTextFileSync(dir.file("ca.pem"), ca.cert);
      const listener = { "client-auth": { mode, ca: "ca.pem" } };
      if (!has("client-auth")) return await assertRefused(dir, listener, /client-auth.*engine = "node"/);
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using proxy = await start(dir, backend.address, { listener });
      const speak = (made?: MadeCertificate): Promise<Outcome> =>
        tlsClient({ port: proxy.port, ...made && { cert: made.cert, key: made.key } });
      const issue = (issuer: MadeCertificate, notAfter?: number) =>
        makeCertificate({
          commonName: "alice",
          dnsNames: ["alice.example"],
          uris: ["spiffe://example/alice"],
          issuer,
          use: "clientAuth",
          notBefore: Date.now() - 10 * DAY_MS,
          notAfter,
        });

      assert.equal((await speak(await issue(ca))).answer, "hello");
      const record = await connectionRecord(proxy.program);
      assert.equal(record.client_cn, "alice");
      assert.deepEqual(record.client_dns, ["alice.example"]);
      assert.deepEqual(record.client_uris, ["spiffe://example/alice"]);

      for (const stranger of [await issue(other), await issue(ca, Date.now() - DAY_MS)]) {
        // In TLS 1.3 a client's handshake is over before the server has looked at its certificate: it learns of the
        // refusal by the end of the connection, and by an alert only where the engine can still send one.
        assert.equal((await speak(stranger)).answer, null);
      }
      const nobody = await speak();
      assert.equal(nobody.answer, mode === "optional" ? "hello" : null);
      const refused = mode === "optional" ? 2 : 3;
      const refusals = () => proxy.program.connections().filter(({ reason }) => reason === "client-auth");
      await until(() => refusals().length === refused, "each refusal has its record");
      for (const { error } of refusals()) assert.match(String(error), /certificate/i);
      assert.equal(backend.accepted, mode === "optional" ? 2 : 1);
    });
  }

  test("lets only clients in that the rules name", async (dir) => {
    const ca = await makeCertificate({ commonName: "clients' CA", ca: true });
    Deno.writeTextFileSync(dir.file("ca.pem"), ca.cert);
    const listener = {
      "client-auth": { mode: "required", ca: "ca.pem", "allow-cn": ["ali*"], "allow-uri": ["spiffe://example/**"] },
    };
    if (!has("client-auth")) return await assertRefused(dir, listener, /client-auth.*engine = "node"/);
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener });
    const speak = async (commonName: string, uri: string) => {
      const { cert, key } = await makeCertificate({ commonName, uris: [uri], issuer: ca, use: "clientAuth" });
      return (await tlsClient({ port: proxy.port, cert, key })).answer;
    };
    assert.equal(await speak("alice", "spiffe://test/x"), "hello");
    assert.equal(await speak("mallory", "spiffe://example/a/b"), "hello");
    assert.equal(await speak("mallory", "spiffe://test/x"), null);
    const record = await proxy.program.record(({ reason }) => reason === "client-auth", "record of the refusal");
    assert.equal(record.client_cn, "mallory");
    assert.equal(backend.accepted, 2);
  });

  async function assertRefused(dir: TempDir, listener: Record<string, unknown>, said: RegExp): Promise<void> {
    // Writes the pair that the refused configuration names.
    await Proxy.start(dir, "unix:x").then((proxy) => proxy[Symbol.asyncDispose]());
    const { code, lines } = await refusal(dir, { cert: "cert.pem", key: "key.pem", ...listener });
    assert.equal(code, 1);
    assert.match(lines.join("\n"), said);
  }
}

async function writePair(dir: TempDir, name: string, options: Parameters<typeof makeCertificate>[0]): Promise<void> {
  const { cert, key } = await makeCertificate(options);
  Deno.writeTextFileSync(dir.file(`${name}.pem`), cert);
  Deno.writeTextFileSync(dir.file(`${name}.key`), key, { mode: 0o600 });
}
