import { describeKeys, describeTables, findKey } from "../../src/config/schema/schema.ts";
import assert from "node:assert/strict";

Deno.test("describeKeys() lists every key in the order of the file", () => {
  assert.deepEqual(describeKeys().map(({ path }) => path), [
    "workers",
    "reload",
    "reload-grace",
    "listener.name",
    "listener.listen",
    "listener.listen-mode",
    "listener.listen-owner",
    "listener.listen-group",
    "listener.spread",
    "listener.backend",
    "listener.spare",
    "listener.balance",
    "listener.route.name",
    "listener.route.server-name",
    "listener.route.alpn",
    "listener.route.backend",
    "listener.route.spare",
    "listener.route.balance",
    "listener.route.proxy-protocol",
    "listener.route.proxy-protocol-tlvs",
    "listener.route.health.interval",
    "listener.route.health.timeout",
    "listener.route.health.rise",
    "listener.route.health.fall",
    "listener.route.health.path",
    "listener.route.passthrough",
    "listener.cert",
    "listener.key",
    "listener.key-passphrase-file",
    "listener.certificates.cert",
    "listener.certificates.key",
    "listener.certificates.key-passphrase-file",
    "listener.certificates.names",
    "listener.acme",
    "listener.sni-strict",
    "listener.alpn",
    "listener.min-version",
    "listener.max-version",
    "listener.engine",
    "listener.proxy-protocol",
    "listener.proxy-protocol-tlvs",
    "listener.accept-proxy",
    "listener.client-auth.mode",
    "listener.client-auth.ca",
    "listener.client-auth.crl",
    "listener.client-auth.allow-cn",
    "listener.client-auth.allow-dns",
    "listener.client-auth.allow-uri",
    "listener.timeouts.handshake",
    "listener.timeouts.connect",
    "listener.timeouts.retry",
    "listener.timeouts.idle",
    "listener.timeouts.half-close",
    "listener.timeouts.lifetime",
    "listener.health.interval",
    "listener.health.timeout",
    "listener.health.rise",
    "listener.health.fall",
    "listener.health.path",
    "listener.limits.connections",
    "listener.limits.per-client",
    "listener.limits.handshakes-per-second",
    "listener.limits.backlog",
    "acme.directory",
    "acme.email",
    "acme.terms-agreed",
    "acme.storage",
    "acme.profile",
    "acme.preferred-chain",
    "acme.eab-kid",
    "acme.eab-key-file",
    "acme.ca",
    "redirect.listen",
    "log.level",
    "log.format",
    "log.access",
    "log.metrics-interval",
    "log.file",
    "log.file-size",
    "log.file-count",
    "admin.listen",
    "admin.expose",
    "admin.top-clients",
    "shutdown.grace",
  ]);
});

Deno.test("describeKeys() has one line about each key, and a default that its own type takes", () => {
  for (const { path, name, type, allowed, default: value, description } of describeKeys()) {
    assert.ok(path.endsWith(name) && type !== "" && allowed !== "", path);
    assert.ok(description.length > 5 && description.length < 140, path);
    assert.doesNotMatch(description, /\n|\.$|^[A-Z][a-z]/, path);
    const key = findKey(path)!;
    if ("default" in key) key.type.parse(key.default, "/");
    else assert.equal(value, null, path);
  }
});

Deno.test("describeKeys() writes defaults as TOML or in words", () => {
  const defaults = new Map(describeKeys().map((key) => [key.path, key.default]));
  const cases: [string, string | null][] = [
    ["workers", '"auto"'],
    ["listener.name", "its first address"],
    ["listener.listen", null],
    ["listener.alpn", "[]"],
    ["listener.proxy-protocol-tlvs", '["alpn", "authority", "ssl", "unique-id", "crc32c"]'],
    ["listener.timeouts.lifetime", "0"],
    ["listener.certificates.names", "the names in the certificate"],
    ["log.access", "true"],
    ["shutdown.grace", '"30s"'],
  ];
  for (const [path, expected] of cases) assert.equal(defaults.get(path), expected, path);
});

Deno.test("describeTables() writes headers as the file has them", () => {
  assert.deepEqual(describeTables().map(({ table }) => table), [
    "[[listener]]",
    "[[listener.route]]",
    "[listener.route.health]",
    "[[listener.certificates]]",
    "[listener.client-auth]",
    "[listener.timeouts]",
    "[listener.health]",
    "[listener.limits]",
    "[acme]",
    "[redirect]",
    "[log]",
    "[admin]",
    "[shutdown]",
  ]);
  const tables = new Set(["", ...describeTables().map(({ table }) => table)]);
  for (const { table, path } of describeKeys()) assert.ok(tables.has(table), path);
});

Deno.test("findKey() finds keys and nothing else", () => {
  assert.equal(findKey("listener.timeouts.idle")?.name, "idle");
  for (const path of ["", "listener", "listener.timeouts", "idle", "listener.idle", "workers.x", "__proto__"]) {
    assert.equal(findKey(path), null, path);
  }
});
