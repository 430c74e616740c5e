import assert from "node:assert/strict";
import { UnsupportedError } from "../../src/engines/contract.ts";
import { denoEngine } from "../../src/engines/deno/deno.ts";
import { CAPABILITIES, type Feature } from "../../src/tls/capabilities.ts";
import type { TlsListenOptions } from "../../src/tls/listen_options.ts";
import { unmetOption } from "../../src/tls/unmet_option.ts";
import { build, commonName, der } from "../support/certificates/certificate_builder.ts";

const PLAIN: TlsListenOptions = {
  address: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
  certificates: [{ cert: "", key: "", names: [], needs: {} as never }],
  challenges: [],
  sniStrict: false,
  routes: null,
  alpn: [],
  minVersion: "1.2",
  maxVersion: "1.3",
  clientAuth: { mode: "none", ca: null, crl: [] },
  backlog: 1,
  reusePort: false,
  preamble: false,
};

/** Options that need one feature each. */
const ASKED: [Feature, Partial<TlsListenOptions>][] = [
  ["several-certificates", { certificates: [...PLAIN.certificates, ...PLAIN.certificates] }],
  ["several-certificates", { certificates: [] }],
  ["sni-strict", { sniStrict: true }],
  ["client-auth", { clientAuth: { mode: "optional", ca: "", crl: [] } }],
  ["version-limits", { minVersion: "1.3" }],
  ["version-limits", { maxVersion: "1.2" }],
  ["unix-listen", { address: { transport: "unix", path: "/run/tls.sock" } }],
  ["abstract-listen", { address: { transport: "unix", path: "\0tls" } }],
  ["accept-proxy", { preamble: true }],
  ["inherited-socket", { fd: 3 }],
  ["name-refusal", { routes: { routes: [], fallback: false, alpn: [] } }],
  ["acme", { challenges: [{} as never] }],
];

Deno.test("unmetOption() says of each option what the engine lacks, and nothing where it lacks nothing", () => {
  for (const runtime of ["deno", "bun"] as const) {
    assert.equal(unmetOption(PLAIN, "native", runtime), null);
    for (const [feature, options] of ASKED) {
      const lack = CAPABILITIES[runtime].native![feature];
      const expected = lack === undefined ? null : `native on ${runtime === "deno" ? "Deno" : "Bun"} ${lack}`;
      assert.equal(unmetOption({ ...PLAIN, ...options }, "native", runtime), expected, `${feature} on ${runtime}`);
      assert.equal(unmetOption({ ...PLAIN, ...options }, "node", runtime), null, `${feature}, node on ${runtime}`);
    }
  }
  assert.equal(unmetOption(PLAIN, "native", "node"), "native on Node is no engine");
});

Deno.test("the native engine refuses options that it cannot honour, before it binds", async () => {
  for (const [feature, options] of ASKED) {
    await assert.rejects(denoEngine.listenTls({ ...PLAIN, ...options }), (error) => {
      return error instanceof UnsupportedError && error.message.startsWith("Cannot listen: native on Deno ");
    }, feature);
  }
});

Deno.test("the native engine says why it cannot show a certificate", async () => {
  const { pem, key } = build({ subject: commonName("a"), extensions: [["1.2.3.4", true, der(0x05)]] });
  const certificates = [{ ...PLAIN.certificates[0], cert: pem, key }];
  await assert.rejects(denoEngine.listenTls({ ...PLAIN, certificates }), {
    name: "UnsupportedError",
    message: "Deno cannot show this certificate: UnsupportedCriticalExtension",
  });
});
