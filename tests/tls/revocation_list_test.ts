import assert from "node:assert/strict";
import { ClientVerifier } from "../../src/tls/verify/client_verifier.ts";
import { readPem } from "../../src/tls/certificates/pem.ts";
import { type Problem, Problems } from "../../src/config/problem.ts";
import { type LoadedRevocationList, loadRevocationLists } from "../../src/tls/verify/revocation_list.ts";
import { VerificationError } from "../../src/tls/verify/verification_error.ts";
import * as x from "../support/certificates/certificate_builder.ts";
import { OpensslCa } from "../support/peers/openssl_ca.ts";
import { peerTest } from "../support/peers/peers.ts";
import { TempDir } from "../support/proxies/proxy.ts";

const OPENSSL = [{ command: "openssl", debian: "openssl" }];
const DAY_MS = 86_400_000;
const AUTHORITY = [x.basicConstraints(true), x.keyUsage(0x06)];

interface ListOptions {
  serials?: Uint8Array[];
  thisUpdate?: number;
  nextUpdate?: number | null;
  extensions?: x.Extension[];
  hash?: "sha256" | "sha1";
}

/** A list that `issuer` signs, DER. */
function makeList(issuer: x.Built, options: ListOptions = {}): x.Bytes {
  const { serials = [], hash = "sha256", nextUpdate = Date.now() + DAY_MS } = options;
  const now = x.time(Date.now());
  const tbs = x.sequence(
    x.der(0x02, Uint8Array.of(1)),
    x.algorithmOf(hash, issuer.keys.privateKey),
    issuer.subject,
    x.time(options.thisUpdate ?? Date.now() - DAY_MS),
    ...(nextUpdate === null ? [] : [x.time(nextUpdate)]),
    ...(serials.length === 0 ? [] : [x.sequence(x.concat(serials.map((serial) => x.sequence(serial, now))))]),
    ...(options.extensions === undefined ? [] : [
      x.der(
        0xa0,
        x.sequence(
          ...options.extensions.map(([id, critical, value]) =>
            x.sequence(x.oid(id), ...(critical ? [x.der(0x01, Uint8Array.of(0xff))] : []), x.der(0x04, value))
          ),
        ),
      ),
    ]),
  );
  return x.signed(tbs, hash, issuer.keys.privateKey);
}

async function load(
  dir: TempDir,
  content: Uint8Array | string,
  ca: string,
): Promise<{ lists: LoadedRevocationList[]; problems: readonly Problem[] }> {
  const path = dir.file("list");
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
  const problems = new Problems();
  return { lists: await loadRevocationLists(path, ca, Date.now(), problems), problems: problems.found };
}

/** The class of the refusal; "" where the chain is verified. */
function refusal(ca: string, lists: LoadedRevocationList[], chain: Uint8Array[], nowMs?: number): string {
  try {
    new ClientVerifier(ca, lists.map(({ list }) => list)).verify(chain, undefined, nowMs);
    return "";
  } catch (error) {
    assert.ok(error instanceof VerificationError, String(error));
    return error.verificationClass;
  }
}

peerTest("a list of openssl ca revokes what it names, for every authority on the way", OPENSSL, async () => {
  using dir = new TempDir();
  const root = await OpensslCa.create(dir.path, "root");
  const middle = await OpensslCa.create(dir.path, "middle", root);
  const text = (file: string) => Deno.readTextFileSync(file);
  const chain = (file: string) => [text(file), text(middle.certificate)].map((pem) => readPem(pem)[0].der);
  const [alice, bob] = [await middle.issue("alice"), await middle.issue("bob")];
  await middle.revoke(bob);
  const ca = text(root.certificate);
  const [rootList, middleList] = [await root.list(), await middle.list()];

  const first = await load(dir, rootList, ca);
  assert.deepEqual(first.problems, []);
  assert.deepEqual(first.lists.map(({ info: { issuer, entries } }) => ({ issuer, entries })), [
    { issuer: "CN=root", entries: 0 },
  ]);
  assert.equal(refusal(ca, first.lists, chain(alice)), "crl-missing");
  const stranger = await load(dir, middleList, ca);
  assert.match(stranger.problems[0].message, /"CN=middle" issued it, .* put its certificate into the same file/);
  const second = await load(dir, middleList + text(middle.certificate), ca);
  assert.deepEqual(second.problems, []);
  const lists = [...first.lists, ...second.lists];
  assert.equal(refusal(ca, lists, chain(alice)), "");
  assert.equal(refusal(ca, lists, chain(bob)), "revoked");
  // The check is what refuses.
  assert.equal(refusal(ca, [], chain(bob)), "");
  assert.equal(refusal(ca, lists, chain(alice), Date.now() + 31 * DAY_MS), "certificate-expired");

  await root.revoke(middle.certificate);
  const both = [...(await load(dir, await root.list(), ca)).lists, ...second.lists];
  assert.equal(refusal(ca, both, chain(alice)), "revoked");
});

Deno.test("loadRevocationLists() refuses what cannot be believed, in one line", async () => {
  using dir = new TempDir();
  const ca = x.build({ subject: x.commonName("ca"), extensions: AUTHORITY });
  const twin = x.build({ subject: x.commonName("ca"), extensions: AUTHORITY });
  const mute = x.build({ subject: x.commonName("mute"), extensions: [x.basicConstraints(true), x.keyUsage(0x04)] });
  const damaged = makeList(ca).slice(0, -3);
  const cases: [Uint8Array | string, RegExp][] = [
    ["", /no revocation list in it/],
    [ca.pem, /no revocation list in it/],
    [damaged, /it is damaged/],
    [makeList(twin), /its signature is not that of "CN=ca"/],
    [makeList(mute), /"CN=mute" may not sign it: its key usage lacks cRLSign/],
    [makeList(ca, { hash: "sha1" }), /it is signed with SHA-1/],
    [makeList(ca, { nextUpdate: null }), /does not say until when it is current/],
    [makeList(ca, { extensions: [["2.5.29.28", true, x.sequence()]] }), /is partial, indirect/],
    [makeList(ca, { extensions: [["2.5.29.27", true, x.der(0x02, Uint8Array.of(1))]] }), /is partial, indirect/],
  ];
  for (const [content, message] of cases) {
    const { lists, problems } = await load(dir, content, ca.pem + mute.pem);
    assert.deepEqual(lists, []);
    assert.equal(problems.length, 1);
    assert.equal(problems[0].severity, "error");
    assert.match(problems[0].message, message);
  }
  assert.match((await load(dir, makeList(ca), mute.pem)).problems[0].message, /"CN=ca" issued it, which is not in/);
});

Deno.test("a list that is not current lets nobody in, and is a warning", async () => {
  using dir = new TempDir();
  const ca = x.build({ subject: x.commonName("ca"), extensions: AUTHORITY });
  const leaf = x.build({ subject: x.commonName("alice"), issuer: ca, extensions: [] });
  for (
    const times of [
      { nextUpdate: Date.now() - 1000 },
      { thisUpdate: Date.now() + DAY_MS, nextUpdate: Date.now() + 2 * DAY_MS },
    ]
  ) {
    const { lists, problems } = await load(dir, makeList(ca, times), ca.pem);
    assert.deepEqual(problems.map(({ severity }) => severity), ["warning"]);
    assert.equal(refusal(ca.pem, lists, [leaf.der]), "crl-expired");
  }
  // What was verified while the list was current is looked at again afterwards.
  const { lists } = await load(dir, makeList(ca), ca.pem);
  const verifier = new ClientVerifier(ca.pem, lists.map(({ list }) => list));
  verifier.verify([leaf.der]);
  assert.throws(() => verifier.verify([leaf.der], undefined, Date.now() + 2 * DAY_MS), /is not current/);
});

Deno.test("the list of a twin authority says nothing of certificates that the other has issued", async () => {
  using dir = new TempDir();
  const [ca, twin] = [1, 2].map(() => x.build({ subject: x.commonName("ca"), extensions: AUTHORITY }));
  const leaf = x.build({ subject: x.commonName("alice"), issuer: ca, extensions: [] });
  const bundle = ca.pem + twin.pem;
  const other = await load(dir, makeList(twin, { serials: [leaf.serial] }), bundle);
  assert.equal(refusal(bundle, other.lists, [leaf.der]), "crl-missing");
  const own = await load(dir, makeList(ca), bundle);
  assert.equal(refusal(bundle, [...own.lists, ...other.lists], [leaf.der]), "");
});

Deno.test("of two lists of one authority the latest counts, and a hundred thousand entries are one look-up", async () => {
  using dir = new TempDir();
  const ca = x.build({ subject: x.commonName("ca"), extensions: AUTHORITY });
  const leaf = x.build({ subject: x.commonName("alice"), issuer: ca, extensions: [] });
  const older = await load(dir, makeList(ca, { thisUpdate: Date.now() - 5 * DAY_MS }), ca.pem);
  const serials = Array.from(
    { length: 100_000 },
    (_, index) => x.der(0x02, Uint8Array.of(0x11, index >> 16, index >> 8, index & 0xff)),
  );
  const newer = await load(dir, makeList(ca, { serials: [...serials, leaf.serial] }), ca.pem);
  assert.deepEqual(newer.problems, []);
  assert.equal(newer.lists[0].info.entries, 100_001);
  assert.equal(refusal(ca.pem, [...newer.lists, ...older.lists], [leaf.der]), "revoked");
  assert.equal(refusal(ca.pem, [...older.lists, ...newer.lists], [leaf.der]), "revoked");
  assert.equal(refusal(ca.pem, older.lists, [leaf.der]), "");
});
