/** The protocol against a real ACME server. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { openAccount } from "../../src/acme/protocol/account.ts";
import { AcmeClient } from "../../src/acme/protocol/acme_client.ts";
import { systemClock } from "../../src/acme/clock.ts";
import { HttpsClient } from "../../src/acme/protocol/https_client.ts";
import { type AccountKey, generateAccountKey } from "../../src/acme/protocol/jws.ts";
import { type Issued, orderCertificate, type OrderOptions } from "../../src/acme/protocol/order.ts";
import { AcmeError } from "../../src/acme/protocol/problem.ts";
import { readPem, writePem } from "../../src/tls/certificates/pem.ts";
import { ChallengeServer } from "../support/peers/challenge_server.ts";
import { PEBBLE, Pebble, type PebbleOptions } from "../support/peers/pebble.ts";
import { peerTest } from "../support/peers/peers.ts";

/** Waits no longer than pebble takes, whatever the protocol says. */
const CLOCK = { ...systemClock, sleep: (milliseconds: number) => systemClock.sleep(Math.min(milliseconds, 50)) };

/** Pebble, a client of it with an account, and what answers its validations. */
class Setting implements AsyncDisposable {
  private constructor(
    readonly pebble: Pebble,
    readonly server: ChallengeServer,
    readonly client: AcmeClient,
  ) {}

  static async start(
    options: Partial<PebbleOptions> = {},
    key?: AccountKey,
    account: Partial<Parameters<typeof openAccount>[1]> = {},
  ): Promise<Setting> {
    const server = new ChallengeServer();
    const pebble = await Pebble.start({ tlsPort: server.port, ...options });
    const https = new HttpsClient({ ca: pebble.caPem, userAgent: "test" });
    try {
      const client = await AcmeClient.connect(https, pebble.directory, key ?? await generateAccountKey());
      await openAccount(client, { email: "", externalAccount: null, ...account });
      return new Setting(pebble, server, client);
    } catch (error) {
      https.close();
      await pebble[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  order(names: string[], options: Partial<OrderOptions> = {}): Promise<Issued> {
    return orderCertificate(this.client, {
      names,
      profile: "",
      replaces: null,
      preferredChain: "",
      present: (challenges) => this.server.present(challenges),
      clock: CLOCK,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.https.close();
    await this.pebble[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

function chainOf({ chainPem }: Issued): X509Certificate[] {
  return readPem(chainPem).map(({ der }) => new X509Certificate(writePem("CERTIFICATE", der)));
}

peerTest("an order of two names and an address brings a certificate for them, to its key", PEBBLE, async () => {
  await using setting = await Setting.start({ strict: true });
  const issued = await setting.order(["a.example.net", "b.example.net", "127.0.0.1"]);
  const chain = chainOf(issued);
  assert.deepEqual(
    chain[0].subjectAltName!.split(", ").sort(),
    ["DNS:a.example.net", "DNS:b.example.net", "IP Address:127.0.0.1"],
  );
  const root = new X509Certificate(await setting.pebble.root());
  assert.ok(chain[0].verify(chain[1].publicKey));
  assert.ok(chain.at(-1)!.verify(root.publicKey));
  assert.deepEqual([setting.server.presented, setting.server.withdrawn], [1, 1]);
});

peerTest("nonces that the server refuses half of the time hold nothing up", PEBBLE, async () => {
  await using setting = await Setting.start({ env: { PEBBLE_WFE_NONCEREJECT: "50" } });
  for (const name of ["a.example.net", "b.example.net"]) chainOf(await setting.order([name]));
});

peerTest("a server that refuses every nonce ends the attempt in its own words", PEBBLE, async () => {
  const found = await assert.rejects(
    Setting.start({ env: { PEBBLE_WFE_NONCEREJECT: "100" } }),
    (error) => error instanceof AcmeError && /Cannot open an account: .*badNonce/.test(error.message),
  );
  assert.equal(found, undefined);
});

peerTest("authorizations that are still valid need no challenge", PEBBLE, async () => {
  await using setting = await Setting.start({ env: { PEBBLE_AUTHZREUSE: "100" } });
  await setting.order(["a.example.net"]);
  assert.equal(setting.server.presented, 1);
  await setting.order(["a.example.net"]);
  assert.equal(setting.server.presented, 1);
});

peerTest(
  "an account is bound to an external one where the directory asks for that, and only then made",
  PEBBLE,
  async () => {
    const hmacKey = crypto.getRandomValues(new Uint8Array(32));
    const encoded = btoa(String.fromCharCode(...hmacKey)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    const options = { externalAccounts: { "kid-1": encoded } };
    await using setting = await Setting.start(options, undefined, { externalAccount: { kid: "kid-1", hmacKey } });
    await setting.order(["a.example.net"]);
    await assert.rejects(Setting.start(options), /asks for an external account: set eab-kid and eab-key-file/);
    const wrong = { kid: "kid-1", hmacKey: crypto.getRandomValues(new Uint8Array(32)) };
    await assert.rejects(Setting.start(options, undefined, { externalAccount: wrong }), /Cannot open an account: /);
  },
);

peerTest("the same key finds its account again, with another address", PEBBLE, async () => {
  await using setting = await Setting.start({}, undefined, { email: "old@example.net" });
  const { client } = setting;
  const again = await AcmeClient.connect(client.https, setting.pebble.directory, client.key);
  await openAccount(again, { email: "new@example.net", externalAccount: null });
  assert.equal(again.account, client.account);
  const { contact } = await again.postJson(again.account, null, "read the account");
  assert.deepEqual(contact, ["mailto:new@example.net"]);
});

peerTest(
  "the chain that is preferred is taken from the alternates; one that is not there changes nothing",
  PEBBLE,
  async () => {
    await using setting = await Setting.start({ env: { PEBBLE_ALTERNATE_ROOTS: "1", PEBBLE_CHAIN_LENGTH: "2" } });
    const issuerOf = (pem: string) => /CN=(.+)/.exec(new X509Certificate(pem).subject)![1];
    const [first, second] = [issuerOf(await setting.pebble.root(0)), issuerOf(await setting.pebble.root(1))];
    const ends = async (preferredChain: string) =>
      chainOf(await setting.order(["a.example.net"], { preferredChain })).at(-1)!.issuer;
    assert.equal(await ends(""), `CN=${first}`);
    assert.equal(await ends(second), `CN=${second}`);
    assert.equal(await ends("No Such Root"), `CN=${first}`);
  },
);

peerTest("what the server found at the name is told in its words, and the challenge withdrawn", PEBBLE, async () => {
  await using setting = await Setting.start();
  const present = async () => {
    const withdraw = await setting.server.present([]);
    return withdraw;
  };
  await assert.rejects(
    setting.order(["a.example.net"], { present }),
    (error) => error instanceof AcmeError && /^a\.example\.net was not validated: .+ \(\w+\)$/.test(error.message),
  );
  assert.equal(setting.server.withdrawn, 1);
});

peerTest("a name that the server refuses, and a profile that it has not, are told", PEBBLE, async () => {
  await using setting = await Setting.start();
  await assert.rejects(setting.order(["*.example.net"]), /offers no tls-alpn-01 for it, but dns-01/);
  await assert.rejects(
    setting.order(["a.example.net"], { profile: "shortlived" }),
    /no profile "shortlived"; it offers none/,
  );
  await assert.rejects(setting.order(["under_score.example.net"]), /Cannot order a certificate: .+malformed/);
  assert.equal(setting.server.presented, 0);
});
