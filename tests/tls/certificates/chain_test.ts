import assert from "node:assert/strict";
import { join } from "node:path";
import {
  basicConstraints,
  build,
  type Built,
  type Bytes,
  commonName,
  der,
  dnsNames,
  type Extension,
  oid,
  sequence,
  text,
} from "../../support/certificates/certificate_builder.ts";
import { makeCertificate } from "../make_certificates.ts";
import { makeTemporaryDirectory } from "../temporary_directory.ts";
import { load } from "./load_certificates.ts";

Deno.test("loadCertificate() warns of a chain that is longer than clients take", async () => {
  let issuer = await makeCertificate({ commonName: "root", ca: true });
  const chain: string[] = [];
  for (let level = 0; level < 7; level++) {
    issuer = await makeCertificate({ commonName: `intermediate ${level}`, ca: true, issuer });
    chain.unshift(issuer.cert);
  }
  const leaf = await makeCertificate({ dnsNames: ["localhost"], issuer });
  await using directory = await makeTemporaryDirectory();
  const key = await directory.write("key", leaf.key);
  const warningsOf = async (text: string) => (await load(await directory.write("chain", text), key)).warnings;
  assert.deepEqual(await warningsOf(leaf.cert + chain.slice(0, 6).join("")), []);
  assert.match(
    (await warningsOf(leaf.cert + chain.join("")))[0],
    /^Certificate ".*chain" shows 8 certificates: many clients take at most 7/,
  );
});

Deno.test("loadCertificate() warns where an intermediate seems to be missing", async () => {
  const url = sequence(oid("1.3.6.1.5.5.7.48.2"), der(0x86, text("http://ca.example/ca.crt")));
  const issuersUrl: Extension = ["1.3.6.1.5.5.7.1.1", false, sequence(url)];
  const namedBy = (name: Bytes): Extension => [
    "2.5.29.35",
    false,
    sequence(der(0xa1, der(0xa4, name)), der(0x82, Uint8Array.of(1))),
  ];
  const ca = (title: string, issuer?: Built, ...extensions: Extension[]) =>
    build({ subject: commonName(title), issuer, extensions: [basicConstraints(true), ...extensions] });
  const leaf = (issuer: Built, ...extensions: Extension[]) =>
    build({ subject: commonName("localhost"), issuer, extensions: [dnsNames("localhost"), ...extensions] });
  const [anchor, root] = [ca("Example Anchor"), ca("Example Root X1")];
  const r3 = ca("R3", anchor, namedBy(anchor.subject), issuersUrl);
  const r4 = ca("R4", r3);
  await using directory = await makeTemporaryDirectory();
  for (
    const [title, chain, lacks] of [
      ["a leaf of an intermediate, by the address of its issuer", [leaf(r3, issuersUrl)], "R3"],
      ["a leaf of an intermediate, by the name of its issuer's issuer", [leaf(r3, namedBy(anchor.subject))], "R3"],
      ["a leaf with its intermediate", [leaf(r3, issuersUrl), r3], null],
      ["an intermediate of an intermediate", [leaf(r4), r4], null],
      ["a leaf of a private authority", [leaf(anchor)], null],
      [
        "a leaf of an authority that it names as its own issuer",
        [leaf(anchor, namedBy(anchor.subject), issuersUrl)],
        null,
      ],
      ["a leaf of an authority that calls itself a root", [leaf(root, issuersUrl)], null],
      ["a certificate that signs itself", [ca("localhost")], null],
    ] as [string, Built[], string | null][]
  ) {
    const file = await directory.write("chain", chain.map(({ pem }) => pem).join(""));
    const { warnings, errors } = await load(file, await directory.write("key", chain[0].key));
    assert.deepEqual(errors, [], title);
    assert.equal(warnings.length, lacks === null ? 0 : 1, `${title}: ${warnings.join("; ")}`);
    if (lacks !== null) {
      assert.match(warnings[0], new RegExp(`lacks the certificate of "CN=${lacks}", which .* "CN=localhost"`));
    }
  }
});

Deno.test("loadCertificate() wants the chain in its order, and names it", async () => {
  await using directory = await makeTemporaryDirectory();
  const root = await makeCertificate({ commonName: "root", ca: true });
  const intermediate = await makeCertificate({ commonName: "intermediate", ca: true, issuer: root });
  const leaf = await makeCertificate({ commonName: "leaf", dnsNames: ["localhost"], issuer: intermediate });
  const key = await directory.write("key", leaf.key);
  const attempt = async (...order: { cert: string }[]) =>
    await load(await directory.write("chain", order.map(({ cert }) => cert).join("")), key);

  for (const order of [[leaf], [leaf, intermediate], [leaf, intermediate, root]]) {
    const { loaded, problems } = await attempt(...order);
    assert.deepEqual(problems, []);
    assert.equal(loaded!.material.cert, order.map(({ cert }) => cert).join(""));
  }
  for (const order of [[root, intermediate, leaf], [leaf, root, intermediate], [intermediate, leaf, root]]) {
    const { loaded, errors } = await attempt(...order);
    assert.equal(loaded, null);
    assert.deepEqual(errors, [
      `Certificates in "${join(directory.path, "chain")}" are in the wrong order: ` +
      'must be "CN=leaf", then "CN=intermediate", then "CN=root"',
    ]);
  }
  const stranger = await makeCertificate({ commonName: "stranger", ca: true });
  const { loaded, warnings } = await attempt(leaf, stranger, intermediate, leaf);
  assert.ok(loaded);
  assert.match(warnings[0], /number 2 in .* \("CN=stranger"\) is not part of the chain of "CN=leaf"$/);
  assert.match(warnings[1], /number 4 in .* is the same as number 1$/);
  // The name of an issuer alone does not make one.
  const impostor = await makeCertificate({ commonName: "intermediate", ca: true });
  assert.match((await attempt(leaf, impostor)).warnings[0], /number 2 .* is not part of the chain/);
});
