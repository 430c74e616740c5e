import assert from "node:assert/strict";
import {
  basicConstraints,
  build,
  type Built,
  CLIENT_AUTH,
  commonName,
  der,
  dnsConstraints,
  dnsNames,
  extendedKeyUsage,
  type Extension,
  keyUsage,
  sequence,
  SERVER_AUTH,
  text,
} from "../support/certificates/certificate_builder.ts";
import { Backend, echo } from "../support/applications/backend.ts";
import {
  type ClientCertificate,
  type ClientCertificates,
  makeClientCertificates,
} from "../support/certificates/client_certificates.ts";
import { clientArguments, sClient } from "../support/peers/s_client.ts";
import { OpensslCa } from "../support/peers/openssl_ca.ts";
import type { Proxy, TempDir } from "../support/proxies/proxy.ts";
import type { Bench } from "./suite.ts";

const OPENSSL = { command: "openssl", debian: "openssl" };

let made: ClientCertificates | undefined;

/**
 * Which clients' certificates come in: the same on every engine.
 * @param versions of TLS
 */
export function certificateCases({ contender, has, peerTest, start }: Bench, versions = ["1.3"]): void {
  if (!has("client-auth")) return;
  const comesIn = ({ admitted, deniedOnDeno }: ClientCertificate) =>
    admitted && !(deniedOnDeno && contender.runtime === "deno");
  for (const version of versions) {
    peerTest(
      `admits the clients' certificates that are right, and no other (TLS ${version})`,
      [OPENSSL],
      async (dir) => {
        const { ca, clients } = made ??= makeClientCertificates();
        Deno.writeTextFileSync(dir.file("ca.pem"), ca.pem);
        await using backend = new Backend(dir.file("app.sock"), echo);
        await using proxy = await start(dir, backend.address, {
          listener: {
            "client-auth": { mode: "required", ca: "ca.pem" },
            "min-version": version,
            "max-version": version,
          },
        });
        const wrong: string[] = [];
        for (const client of clients) {
          const verdict = await judge(proxy, dir, client);
          console.log(`  ${client.title.padEnd(44)} ${verdict.text}`);
          if (verdict.admitted !== comesIn(client)) wrong.push(`${client.title}: ${verdict.text}`);
        }
        assert.deepEqual(wrong, []);
        assert.equal(backend.accepted, clients.filter(comesIn).length);
      },
    );
  }
}

/** Sessions that began under other rules for clients, and what the server shows beside its certificate. */
export function clientSessionCases({ contender, has, peerTest, start }: Bench): void {
  if (!has("client-auth")) return;
  const isNodeOnDeno = contender.runtime === "deno";

  peerTest("shows its own chain alone, whatever authorities clients may have", [OPENSSL], async (dir) => {
    const authorities = ["a", "b", "c"].map((title) =>
      build({ subject: commonName(title), extensions: [basicConstraints(true)] })
    );
    Deno.writeTextFileSync(dir.file("ca.pem"), authorities.map(({ pem }) => pem).join(""));
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      listener: { "client-auth": { mode: "optional", ca: "ca.pem" } },
    });
    const { text, echoed } = await sClient(proxy.port, "-showcerts");
    assert.ok(echoed);
    assert.equal(text.match(/-----BEGIN CERTIFICATE-----/g)?.length, 1);
  });

  peerTest("judges a resumed session by the authorities of today", [OPENSSL], async (dir) => {
    const [ca, added] = ["ca", "added"].map((title) =>
      build({ subject: commonName(title), extensions: [basicConstraints(true)] })
    );
    const [alice, bob] = [ca, added].map((issuer) =>
      build({ subject: commonName("client"), issuer, extensions: [extendedKeyUsage(CLIENT_AUTH)] })
    );
    const shown = (leaf: Built) => clientArguments(dir, { leaf, chain: [] });
    Deno.writeTextFileSync(dir.file("ca.pem"), ca.pem);
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    const speak = async (...args: string[]) => (await sClient(proxy.port, ...args)).echoed;
    const session = (name: string, way: "in" | "out") => [`-sess_${way}`, dir.file(`${name}.session`)];
    assert.equal(await speak(...session("before", "out")), true);

    const file = dir.file("proxy.toml");
    const plain = Deno.readTextFileSync(file);
    const rules = '\n[listener.client-auth]\nmode = "required"\nca = "ca.pem"\n';
    Deno.writeTextFileSync(file, plain + rules);
    assert.equal((await proxy.reload()).event, "reload");
    // On Deno a ticket is good for every listener of the thread, and there is no way back to a full handshake.
    assert.equal(await speak(...session("before", "in"), ...shown(alice)), !isNodeOnDeno);
    assert.equal(await speak(...session("before", "in")), false);
    assert.equal(await speak(...session("alice", "out"), ...shown(alice)), true);
    assert.equal(await speak(...session("alice", "in"), ...shown(alice)), true);
    assert.equal(await speak(...session("bob", "out"), ...shown(bob)), false);

    Deno.writeTextFileSync(dir.file("ca.pem"), ca.pem + added.pem);
    assert.equal((await proxy.reload()).event, "reload");
    assert.equal(await speak(...session("alice", "in"), ...shown(alice)), true);
    assert.equal(await speak(...shown(bob)), true);

    Deno.writeTextFileSync(dir.file("ca.pem"), added.pem);
    assert.equal((await proxy.reload()).event, "reload");
    assert.equal(await speak(...session("alice", "in"), ...shown(alice)), false);
  });
}

/** Certificates of the server that not every TLS library knows everything of. */
export function serverCertificateCases({ has, peerTest, start, refusal }: Bench): void {
  peerTest(
    "shows a certificate with critical extensions, or refuses the one it does not know",
    [OPENSSL],
    async (dir) => {
      const write = (name: string, extensions: Extension[]) => {
        const { pem, key } = build({ subject: commonName("localhost"), extensions });
        Deno.writeTextFileSync(dir.file(`${name}.pem`), pem);
        Deno.writeTextFileSync(dir.file(`${name}.key`), key, { mode: 0o600 });
        return { cert: `${name}.pem`, key: `${name}.key` };
      };
      const critical = ([id, _, value]: Extension): Extension => [id, true, value];
      const distributionPoint = sequence(der(0xa0, der(0xa0, der(0x86, text("http://localhost/ca.crl")))));
      const common = write("common", [
        basicConstraints(false),
        keyUsage(0x80),
        critical(extendedKeyUsage(SERVER_AUTH)),
        critical(dnsNames("localhost")),
        dnsConstraints(["localhost"]),
        ["2.5.29.31", true, sequence(distributionPoint)],
      ]);
      const uncommon = write("uncommon", [dnsNames("localhost"), ["1.2.3.4", true, sequence()]]);
      await using backend = new Backend(dir.file("app.sock"), echo);
      const shows = async (listener: Record<string, unknown>) => {
        await using proxy = await start(dir, backend.address, { listener });
        return (await sClient(proxy.port)).echoed;
      };
      assert.ok(await shows(common));
      if (has("critical-extension")) return assert.ok(await shows(uncommon));
      const { code, lines } = await refusal(dir, uncommon);
      assert.equal(code, 1);
      assert.match(lines.join("\n"), /certificate ".*uncommon\.pem" with the critical extension 1\.2\.3\.4: /);
    },
  );
}

/** Revocation lists that change while the program runs. */
export function revocationCases({ has, peerTest, start }: Bench): void {
  if (!has("client-auth")) return;
  peerTest("refuses who was revoked, from the reload on, also where the session is resumed", [OPENSSL], async (dir) => {
    const ca = await OpensslCa.create(dir.path, "ca");
    const [alice, bob] = [await ca.issue("alice"), await ca.issue("bob")];
    const shown = (file: string) => ["-cert", file, "-key", `${file}.key`];
    const session = (way: "in" | "out") => [`-sess_${way}`, dir.file("session")];
    Deno.writeTextFileSync(dir.file("ca.crl"), await ca.list());
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      listener: { "client-auth": { mode: "required", ca: "ca/ca.pem", crl: ["ca.crl"] } },
      config: { admin: { listen: `unix:${dir.file("admin.sock")}` } },
    });
    const speak = async (...args: string[]) => (await sClient(proxy.port, ...args)).echoed;
    assert.equal(await speak(...shown(alice)), true);
    assert.equal(await speak(...shown(bob), ...session("out")), true);

    await ca.revoke(bob);
    Deno.writeTextFileSync(dir.file("ca.crl"), await ca.list());
    assert.equal((await proxy.reload()).event, "reload");
    assert.equal(await speak(...shown(bob), ...session("in")), false);
    assert.equal(await speak(...shown(bob)), false);
    assert.equal(await speak(...shown(alice)), true);
    const refused = await proxy.program.record(({ reason }) => reason === "client-auth");
    assert.match(String(refused.error), /"CN=bob": it was revoked by "CN=ca"/);

    // A file that is no revocation list must not admit anybody.
    Deno.writeTextFileSync(dir.file("ca.crl"), "not a list");
    assert.equal((await proxy.reload()).event, "reload-failed");
    assert.equal(await speak(...shown(bob)), false);
    assert.equal(await speak(...shown(alice)), true);
  });
}

/** Shows a certificate, and returns what the record says of it. */
async function judge(
  proxy: Proxy,
  dir: TempDir,
  client: ClientCertificate,
): Promise<{ admitted: boolean; text: string }> {
  const before = proxy.program.connections().length;
  const { echoed } = await sClient(proxy.port, ...clientArguments(dir, client));
  await proxy.program.record(
    () => proxy.program.connections().length > before,
    `record of the client whose certificate is ${client.title}`,
  );
  const record = proxy.program.connections()[before];
  return { admitted: echoed, text: echoed ? "admitted" : `${record.reason}: ${record.error}` };
}
