import assert from "node:assert/strict";
import type { ListenerConfig } from "../../src/config/config.ts";
import { Problems } from "../../src/config/problem.ts";
import type { RuntimeName } from "../../src/runtimes/name.ts";
import { loadListenerTls } from "../../src/tls/listener_tls.ts";
import { makeListenOptions } from "../../src/tls/make_listen_options.ts";
import { build, commonName } from "../support/certificates/certificate_builder.ts";
import { makeListenerConfig } from "./listener_config.ts";
import { makeCertificate, type MakeOptions } from "./make_certificates.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

async function load(config: ListenerConfig, runtime: RuntimeName = "deno") {
  const problems = new Problems();
  return { plan: await loadListenerTls(config, runtime, problems), problems: problems.found };
}

async function makePairs(...list: MakeOptions[]) {
  const directory = await makeTemporaryDirectory();
  const certificates = [];
  for (const [index, options] of list.entries()) {
    const { cert, key } = await makeCertificate(options);
    certificates.push({
      path: ["certificates", index],
      cert: await directory.write(`${index}.crt`, cert),
      key: await directory.write(`${index}.key`, key),
      keyPassphraseFile: "",
      names: [] as string[],
    });
  }
  return { directory, certificates, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

Deno.test("loadListenerTls() answers a plan that can be posted to a worker", async () => {
  await using files = await makePairs({ dnsNames: ["a.example"] }, { dnsNames: ["*.b.example"] }, { ca: true });
  const { certificates: [a, b, ca] } = files;
  const config = makeListenerConfig({
    certificates: [a, b],
    clientAuth: { mode: "required", ca: ca.cert, crl: [], allowCn: [], allowDns: [], allowUri: [] },
  });
  const { plan, problems } = await load(config);
  assert.deepEqual(problems, []);
  assert.deepEqual(structuredClone(plan), plan);
  assert.equal(plan!.engine, "node");
  assert.match(plan!.reason, /^2 certificates: native on Deno .*; client-auth\.mode = "required": native on Deno/);
  assert.deepEqual(plan!.certificates.map(({ names }) => names), [["a.example"], ["*.b.example"]]);
  assert.deepEqual(plan!.certificateInfos.map(({ file }) => file), [a.cert, b.cert]);
  assert.match(plan!.ca!, /^-----BEGIN CERTIFICATE-----\n/);
});

Deno.test("loadListenerTls() gives a certificate of X.509 version 1 to an engine that can show it", async () => {
  await using directory = await makeTemporaryDirectory();
  const old = build({ subject: commonName("localhost") });
  const cert = await directory.write("old.pem", old.pem);
  const key = await directory.write("key.pem", old.key);
  const certificates = [{ path: [], cert, key, keyPassphraseFile: "", names: [] }];
  const asked = `certificate "${cert}" of X.509 version 1: native on Deno shows those of version 3 alone`;
  const { plan, problems } = await load(makeListenerConfig({ certificates }));
  assert.deepEqual([plan?.engine, plan?.reason, problems], ["node", asked, []]);
  assert.equal((await load(makeListenerConfig({ certificates }), "bun")).plan?.engine, "native");
  const forced = await load(makeListenerConfig({ name: "a", certificates, engine: "native" }));
  assert.deepEqual([forced.plan, forced.problems.map(({ message }) => message)], [null, [
    `listener "a": engine = "native" cannot do ${asked}; use engine = "node" or "auto"`,
  ]]);
});

Deno.test("loadListenerTls() loads no CA where no client certificate is asked for", async () => {
  await using files = await makePairs({ dnsNames: ["a.example"] });
  const clientAuth = { mode: "none" as const, ca: "/none/ca.pem", crl: [], allowCn: [], allowDns: [], allowUri: [] };
  const { plan, problems } = await load(makeListenerConfig({ ...files, clientAuth }));
  assert.deepEqual(problems, []);
  assert.equal(plan!.ca, null);
});

Deno.test("loadListenerTls() finds every problem in one go, and names the listener in each", async () => {
  const clientAuth = {
    mode: "optional" as const,
    ca: "/none/ca.pem",
    crl: [],
    allowCn: [],
    allowDns: [],
    allowUri: [],
  };
  const config = makeListenerConfig({ name: "api", engine: "native", sniStrict: true, clientAuth });
  const { plan, problems } = await load(config);
  assert.equal(plan, null);
  assert.equal(problems.length, 5);
  for (const { message } of problems) assert.match(message, /^listener "api": /);
  for (
    const what of [/cannot do sni-strict/, /cannot do client-auth/, /load certificate/, /load private key/, /load CA/]
  ) {
    assert.equal(problems.filter(({ message }) => what.test(message)).length, 1, `${what}`);
  }
});

Deno.test("loadListenerTls() answers a plan beside warnings", async () => {
  await using files = await makePairs({ notBefore: 0, notAfter: 1 });
  const { plan, problems } = await load(makeListenerConfig({ ...files }));
  assert.ok(plan);
  assert.deepEqual(problems.map(({ severity, key }) => [severity, key]), [["warning", "certificates.cert"]]);
});

Deno.test("loadListenerTls() refuses a further certificate without a name, and warns of a name taken", async () => {
  await using files = await makePairs({ dnsNames: ["a.example"] }, { commonName: "No Name" }, {
    dnsNames: ["a.example"],
  });
  const [first, nameless, twin] = files.certificates;
  const refused = await load(makeListenerConfig({ certificates: [first, nameless] }));
  assert.equal(refused.plan, null);
  assert.match(refused.problems[0].message, /1\.crt" has no DNS name and can never be chosen: set its "names"$/);
  const warned = await load(makeListenerConfig({ certificates: [first, twin] }));
  assert.ok(warned.plan);
  assert.match(
    warned.problems[0].message,
    /2\.crt" never answers for "a\.example": ".*0\.crt" comes first, and has the same type/,
  );
  assert.ok((await load(makeListenerConfig({ certificates: [nameless, first] }))).plan);
});

Deno.test("loadListenerTls() takes certificates of one name whose keys differ in type, on engines that can", async () => {
  await using files = await makePairs({ dnsNames: ["a.example"], key: "RSA-2048" }, { dnsNames: ["a.example"] });
  const [rsa, ecdsa] = files.certificates;
  for (const runtime of ["deno", "bun", "node"] as const) {
    const { plan, problems } = await load(makeListenerConfig({ certificates: [rsa, ecdsa] }), runtime);
    assert.deepEqual(problems, []);
    assert.equal(plan!.engine, "node");
    assert.deepEqual(plan!.certificates.map(({ needs }) => needs.keyType), ["RSA", "ECDSA"]);
    // Each signs itself, so that no client looks at the signature.
    assert.deepEqual(plan!.certificates.map(({ needs }) => needs.signatures), [[], []]);
  }
});

Deno.test("makeListenOptions() hands every option on", async () => {
  await using files = await makePairs({ dnsNames: ["a.example"] });
  const config = makeListenerConfig({
    ...files,
    alpn: ["h2"],
    sniStrict: true,
    minVersion: "1.3",
    acceptProxy: ["10.0.0.0/8"],
  });
  const { plan } = await load(config);
  const [address] = config.listen;
  assert.deepEqual(makeListenOptions(config, plan!, { address, reusePort: true }), {
    address,
    certificates: plan!.certificates,
    challenges: [],
    sniStrict: true,
    routes: null,
    alpn: ["h2"],
    minVersion: "1.3",
    maxVersion: "1.3",
    clientAuth: { mode: "none", ca: null, crl: [] },
    backlog: 4096,
    reusePort: true,
    preamble: true,
  });
  const inherited = makeListenOptions({ ...config, acceptProxy: [] }, plan!, { address, reusePort: false, fd: 3 });
  assert.deepEqual([inherited.fd, inherited.reusePort, inherited.preamble], [3, false, false]);
});
