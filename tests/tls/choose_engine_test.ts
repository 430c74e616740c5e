import assert from "node:assert/strict";
import type { ListenerConfig } from "../../src/config/config.ts";
import { CAPABILITIES, describeCapabilities, type Feature, FEATURES } from "../../src/tls/capabilities.ts";
import { chooseEngine, type EngineCircumstances } from "../../src/tls/choose_engine.ts";
import { makeListenerConfig, makeRoute } from "./listener_config.ts";

const CERTIFICATE = { path: [], cert: "c", key: "k", keyPassphraseFile: "", names: [] };
const CLIENT_AUTH = { ca: "/ca", crl: [], allowCn: [], allowDns: [], allowUri: [] };

/** A configuration that asks for each feature, and how the reason names it. */
const ASKS: [Feature, Partial<ListenerConfig>, string, EngineCircumstances?][] = [
  ["several-certificates", { certificates: [CERTIFICATE, CERTIFICATE] }, "2 certificates"],
  ["sni-strict", { sniStrict: true }, "sni-strict = true"],
  ["client-auth", { clientAuth: { ...CLIENT_AUTH, mode: "optional" } }, 'client-auth.mode = "optional"'],
  ["client-auth", { clientAuth: { ...CLIENT_AUTH, mode: "required" } }, 'client-auth.mode = "required"'],
  ["version-limits", { minVersion: "1.3" }, 'min-version = "1.3"'],
  ["version-limits", { maxVersion: "1.2" }, 'max-version = "1.2"'],
  ["unix-listen", { listen: [{ transport: "unix", path: "/s" }] }, 'listen = "unix:…"'],
  ["accept-proxy", { acceptProxy: ["10.0.0.0/8"] }, "accept-proxy"],
  ["inherited-socket", {}, "socket activation", { inheritedSocket: true }],
  ["old-certificate", {}, 'certificate "old.pem" of X.509 version 1', { oldCertificate: "old.pem" }],
  ["critical-extension", {}, 'certificate "odd.pem" with the critical extension 1.2.3', {
    criticalExtension: { file: "odd.pem", id: "1.2.3" },
  }],
  [
    "tls-details",
    { proxyProtocol: "v2", proxyProtocolTlvs: ["alpn", "authority"], proxyProtocolTlvsNamed: true },
    'proxy-protocol-tlvs "authority"',
  ],
  [
    "tls-details",
    { proxyProtocol: "v2", proxyProtocolTlvs: ["client-cert"], proxyProtocolTlvsNamed: true },
    'proxy-protocol-tlvs "client-cert"',
  ],
  ["acme", { acme: ["a.example"] }, "acme (there is no certificate yet)", {
    validation: "there is no certificate yet",
  }],
  ["routes-by-name", { routes: [makeRoute({ serverNames: ["a.example"] })] }, "routes by server name"],
  ["name-refusal", { backend: [], routes: [makeRoute({ serverNames: ["a"] })] }, "server names without a route"],
  [
    "alpn-by-name",
    {
      alpn: ["h2", "x"],
      backend: [],
      routes: [makeRoute({ serverNames: ["a"] }), makeRoute({ alpn: ["x"] })],
    },
    "routes by server name and protocol",
  ],
  ["passthrough", { routes: [makeRoute({ passthrough: true })] }, 'route "api" with passthrough'],
  ["abstract-listen", { listen: [{ transport: "unix", path: "\0tls" }] }, 'listen = "unix:@…"'],
  [
    "abstract-names",
    { routes: [makeRoute({ backend: [{ to: { transport: "unix", path: "\0api" }, weight: 1 }] })] },
    'backend = "unix:@…"',
  ],
  ["abstract-names", { backend: [{ to: { transport: "unix", path: "\0app" }, weight: 1 }] }, 'backend = "unix:@…"'],
];

Deno.test("chooseEngine() takes native for a plain listener, on Deno and Bun", () => {
  for (const [runtime, title] of [["deno", "Deno"], ["bun", "Bun"]] as const) {
    const choice = chooseEngine(makeListenerConfig({ alpn: ["h2"] }), runtime);
    assert.equal(choice.engine, "native");
    assert.equal(choice.engine && choice.reason, `native on ${title} can do all that is asked`);
  }
});

Deno.test("chooseEngine() takes node on Node, and refuses native there", () => {
  assert.deepEqual(chooseEngine(makeListenerConfig(), "node"), {
    engine: "node",
    reason: "Node has no native engine",
    notes: [],
  });
  assert.deepEqual(chooseEngine(makeListenerConfig({ engine: "native" }), "node"), {
    engine: null,
    refusals: ['engine = "native" needs Deno or Bun, Node has none: use "node" or "auto"'],
  });
});

Deno.test("chooseEngine() goes by the capabilities for each feature on each runtime", () => {
  for (const [feature, config, asked, circumstances] of ASKS) {
    for (const [runtime, title] of [["deno", "Deno"], ["bun", "Bun"]] as const) {
      const lack = CAPABILITIES[runtime].native![feature];
      const auto = chooseEngine(makeListenerConfig(config), runtime, circumstances);
      const forced = chooseEngine(makeListenerConfig({ ...config, engine: "native" }), runtime, circumstances);
      if (lack === undefined) {
        assert.deepEqual([auto.engine, forced.engine], ["native", "native"]);
        continue;
      }
      const lackOfNode = CAPABILITIES[runtime].node![feature];
      if (lackOfNode !== undefined) {
        assert.deepEqual(auto, { engine: null, refusals: [`${asked}: node on ${title} ${lackOfNode}`] });
        assert.deepEqual(forced, {
          engine: null,
          refusals: [`engine = "native" cannot do ${asked}: native on ${title} ${lack}`],
        });
        continue;
      }
      assert.equal(auto.engine, "node", `${feature} on ${title}`);
      assert.equal(auto.engine && auto.reason, `${asked}: native on ${title} ${lack}`);
      assert.deepEqual(forced, {
        engine: null,
        refusals: [`engine = "native" cannot do ${asked}: native on ${title} ${lack}; use engine = "node" or "auto"`],
      });
    }
  }
});

Deno.test("chooseEngine() lets native serve what acme has ordered, unless that is forced", () => {
  const config = makeListenerConfig({ acme: ["a.example"] });
  for (const runtime of ["deno", "bun"] as const) {
    assert.equal(chooseEngine(config, runtime).engine, "native");
    const forced = chooseEngine({ ...config, engine: "native" }, runtime);
    assert.match(String(!forced.engine && forced.refusals), /cannot do acme: .*; use engine = "node" or "auto"/);
  }
});

Deno.test("chooseEngine() asks for every feature", () => {
  const asked = new Set(ASKS.map(([feature]) => feature));
  for (const feature of Object.keys(FEATURES)) assert.ok(asked.has(feature as Feature), feature);
});

Deno.test("chooseEngine() lets native send what it knows of the default TLVs, and wants named ones in full", () => {
  const config = makeListenerConfig({ proxyProtocol: "v2", proxyProtocolTlvs: ["alpn", "authority", "ssl"] });
  assert.equal(chooseEngine(config, "deno").engine, "native");
  const named = chooseEngine({ ...config, proxyProtocolTlvsNamed: true }, "deno");
  assert.equal(named.engine, "node");
  assert.equal(
    named.engine && named.reason,
    'proxy-protocol-tlvs "authority": native on Deno tells nothing of a handshake but ALPN; ' +
      'proxy-protocol-tlvs "ssl": native on Deno tells nothing of a handshake but ALPN',
  );
  const forced = chooseEngine({ ...config, proxyProtocolTlvsNamed: true, engine: "native" }, "deno");
  assert.equal(!forced.engine && forced.refusals.length, 2);
  const known = { ...config, proxyProtocolTlvsNamed: true, proxyProtocolTlvs: ["alpn", "unique-id", "crc32c"] };
  assert.equal(chooseEngine(known as ListenerConfig, "deno").engine, "native");
  assert.equal(chooseEngine({ ...config, proxyProtocolTlvsNamed: true }, "bun").engine, "native");
});

Deno.test("chooseEngine() refuses what node cannot do, forced or not", () => {
  const config = makeListenerConfig({ backend: [{ to: { transport: "unix", path: "\0app" }, weight: 1 }] });
  for (const engine of ["auto", "node"] as const) {
    assert.deepEqual(chooseEngine({ ...config, engine }, "node"), {
      engine: null,
      refusals: ['backend = "unix:@…": node on Node cannot use abstract names'],
    });
  }
});

Deno.test("chooseEngine() gives every reason at once", () => {
  const config = { sniStrict: true, minVersion: "1.3", acceptProxy: ["::/0"] } as const;
  const forced = chooseEngine(makeListenerConfig({ ...config, acceptProxy: ["::/0"], engine: "native" }), "deno");
  assert.equal(forced.engine, null);
  assert.equal(!forced.engine && forced.refusals.length, 3);
});

Deno.test("chooseEngine() takes a forced node as it is", () => {
  for (const runtime of ["deno", "bun", "node"] as const) {
    const choice = chooseEngine(makeListenerConfig({ engine: "node", sniStrict: true }), runtime, {
      inheritedSocket: true,
    });
    assert.deepEqual(choice, { engine: "node", reason: 'engine = "node" is set', notes: [] });
  }
});

Deno.test("chooseEngine() notes what records and PROXY headers lack", () => {
  const tlvs = ["alpn", "authority", "ssl", "unique-id", "crc32c"] as const;
  const config = makeListenerConfig({ proxyProtocol: "v2", proxyProtocolTlvs: [...tlvs] });
  const choice = chooseEngine(config, "deno");
  assert.deepEqual(choice.engine && choice.notes, [
    "records lack tls_version, cipher, sni and resumed: native on Deno tells nothing of a handshake but ALPN",
    "proxy-protocol-tlvs: authority, ssl of the default list are not sent; a list that names them gets engine node",
  ]);
  const v1 = chooseEngine({ ...config, proxyProtocol: "v1" }, "deno");
  assert.equal(v1.engine && v1.notes.length, 1);
  for (const [other, runtime] of [[config, "bun"], [{ ...config, engine: "node" as const }, "deno"]] as const) {
    const complete = chooseEngine(other, runtime);
    assert.deepEqual(complete.engine && complete.notes, []);
  }
});

Deno.test("describeCapabilities() writes a table with a cell for each feature and engine", () => {
  const rows = describeCapabilities().split("\n").map((row) => row.slice(2, -2).split(" | "));
  assert.equal(rows.length, 4 + Object.keys(FEATURES).length);
  assert.deepEqual(rows[0].slice(1), [
    "`native` on Deno",
    "`node` on Deno",
    "`native` on Bun",
    "`node` on Bun",
    "`node` on Node",
  ]);
  for (const row of rows) assert.equal(row.length, 6);
  assert.deepEqual(rows.find(([title]) => title === FEATURES["client-auth"])!.slice(1), [
    "no",
    "yes",
    "yes",
    "yes",
    "yes",
  ]);
});
