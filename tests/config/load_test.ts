import { spawnSync } from "node:child_process";
import { buildConfig, loadConfig } from "../../src/config/load.ts";
import { ConfigError, formatProblem } from "../../src/config/problem.ts";
import { FULL, lines, parse, problemsOf, SHORT } from "./files.ts";
import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ORIGINAL_STD } from "../support/original_std.ts";

Deno.test("parseConfig() takes the example of the documentation without a word", () => {
  const result = parse(FULL);
  assert.deepEqual(lines(result), []);
  assert.deepEqual(result.config, {
    file: "/etc/app/proxy.toml",
    workers: "auto",
    reload: "signal",
    reloadGraceMs: 0,
    listeners: [{
      name: "web",
      // One socket takes connections of both families.
      listen: [{ transport: "tcp", hostname: "::", port: 443 }],
      backend: [{ to: { transport: "unix", path: "/run/app.sock" }, weight: 1 }],
      routes: [],
      spare: [],
      health: { intervalMs: 0, timeoutMs: 2000, rise: 2, fall: 3, path: "" },
      balance: "least-conn",
      certificates: [{
        path: [],
        cert: "/etc/app/cert.pem",
        key: "/etc/app/key.pem",
        keyPassphraseFile: "",
        names: [],
      }],
      acme: [],
      sniStrict: false,
      listenMode: "",
      listenOwner: "",
      listenGroup: "",
      spread: "connection",
      alpn: [],
      minVersion: "1.2",
      maxVersion: "1.3",
      engine: "auto",
      proxyProtocol: "off",
      proxyProtocolTlvs: ["alpn", "authority", "ssl", "unique-id", "crc32c"],
      proxyProtocolTlvsNamed: false,
      acceptProxy: [],
      clientAuth: { mode: "none", ca: null, crl: [], allowCn: [], allowDns: [], allowUri: [] },
      timeouts: {
        handshakeMs: 10_000,
        connectMs: 5000,
        retryMs: 1000,
        idleMs: 3_600_000,
        halfCloseMs: 60_000,
        lifetimeMs: 0,
      },
      limits: { connections: 0, perClient: 0, handshakesPerSecond: 0, backlog: 4096 },
    }],
    acme: {
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      email: "",
      termsAgreed: false,
      storage: "/etc/app/acme",
      profile: "",
      preferredChain: "",
      eabKid: "",
      eabKeyFile: "",
      ca: "",
    },
    redirect: { listen: null },
    log: {
      level: "info",
      format: "auto",
      access: true,
      metricsIntervalMs: 0,
      file: "",
      fileSize: 64 * 1024 * 1024,
      fileCount: 5,
    },
    admin: { listen: null, expose: false, topClients: 20 },
    shutdown: { graceMs: 30_000 },
  });
});

Deno.test("parseConfig() fills in the same defaults where the keys are absent", () => {
  const short = parse(SHORT).config!;
  const full = parse(FULL).config!;
  const names = { name: 0, listen: 0, backend: 0, certificates: 0 };
  assert.deepEqual({ ...short.listeners[0], ...names }, { ...full.listeners[0], ...names });
  assert.deepEqual({ ...short, listeners: 0 }, { ...full, listeners: 0 });
  assert.equal(short.listeners[0].name, "[::]:8443");
});

Deno.test("parseConfig() gives a plain value that can be posted to a worker", () => {
  const { config } = parse(FULL);
  assert.deepEqual(structuredClone(config), config);
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
});

Deno.test("parseConfig() reads every key that is not at its default", () => {
  const { config, problems } = parse(`workers = 3
reload = "watch"
reload-grace = "10m"
[[listener]]
name = "web"
listen = "127.0.0.1:0"
backend = ["127.0.0.1:3000", "tcp:app:3000", "unix:@app"]
balance = "round-robin"
sni-strict = true
alpn = ["h2", "http/1.1"]
min-version = "1.3"
engine = "node"
proxy-protocol = "v2"
proxy-protocol-tlvs = ["ssl", "client-cert"]
accept-proxy = ["10.0.0.0/8", "::1"]
certificates = [{ cert = "a.pem", key = "a.key", key-passphrase-file = "a.txt", names = ["A.example", "*.b.example", "bücher.example"] }]
client-auth = { mode = "required", ca = "ca.pem", allow-cn = ["*.svc"], allow-dns = ["a"], allow-uri = ["spiffe://x/*"] }
acme = ["Example.org", "192.0.2.1"]
timeouts = { handshake = "1s", connect = "2s", retry = 0, idle = 0, half-close = "4s", lifetime = "24h" }
limits = { connections = 10, per-client = 2, handshakes-per-second = 100, backlog = 1 }
[acme]
directory = "https://ca.example/dir"
email = "a@b.example"
terms-agreed = true
storage = "/var/lib/acme"
profile = "shortlived"
preferred-chain = "Root X"
eab-kid = "kid"
eab-key-file = "eab.key"
ca = "ca.pem"
[redirect]
listen = ":80"
[log]
level = "debug"
format = "json"
access = false
metrics-interval = "10s"
file = "logs/tls-off.log"
file-size = "1MiB"
file-count = 0
[admin]
listen = ":9180"
expose = true
top-clients = 5
[shutdown]
grace = "0s"
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(config, {
    file: "/etc/app/proxy.toml",
    workers: 3,
    reload: "watch",
    reloadGraceMs: 600_000,
    listeners: [{
      name: "web",
      listen: [{ transport: "tcp", hostname: "127.0.0.1", port: 0 }],
      backend: [
        { to: { transport: "tcp", hostname: "127.0.0.1", port: 3000 }, weight: 1 },
        { to: { transport: "tcp", hostname: "app", port: 3000 }, weight: 1 },
        { to: { transport: "unix", path: "\0app" }, weight: 1 },
      ],
      routes: [],
      spare: [],
      health: { intervalMs: 0, timeoutMs: 2000, rise: 2, fall: 3, path: "" },
      balance: "round-robin",
      certificates: [{
        path: ["certificates", 0],
        cert: "/etc/app/a.pem",
        key: "/etc/app/a.key",
        keyPassphraseFile: "/etc/app/a.txt",
        names: ["a.example", "*.b.example", "xn--bcher-kva.example"],
      }],
      acme: ["example.org", "192.0.2.1"],
      sniStrict: true,
      listenMode: "",
      listenOwner: "",
      listenGroup: "",
      spread: "connection",
      alpn: ["h2", "http/1.1"],
      minVersion: "1.3",
      maxVersion: "1.3",
      engine: "node",
      proxyProtocol: "v2",
      proxyProtocolTlvs: ["ssl", "client-cert"],
      proxyProtocolTlvsNamed: true,
      acceptProxy: ["10.0.0.0/8", "::1/128"],
      clientAuth: {
        mode: "required",
        ca: "/etc/app/ca.pem",
        crl: [],
        allowCn: ["*.svc"],
        allowDns: ["a"],
        allowUri: ["spiffe://x/*"],
      },
      timeouts: {
        handshakeMs: 1000,
        connectMs: 2000,
        retryMs: 0,
        idleMs: 0,
        halfCloseMs: 4000,
        lifetimeMs: 86_400_000,
      },
      limits: { connections: 10, perClient: 2, handshakesPerSecond: 100, backlog: 1 },
    }],
    acme: {
      directory: "https://ca.example/dir",
      email: "a@b.example",
      termsAgreed: true,
      storage: "/var/lib/acme",
      profile: "shortlived",
      preferredChain: "Root X",
      eabKid: "kid",
      eabKeyFile: "/etc/app/eab.key",
      ca: "/etc/app/ca.pem",
    },
    redirect: { listen: { transport: "tcp", hostname: "::", port: 80 } },
    log: {
      level: "debug",
      format: "json",
      access: false,
      metricsIntervalMs: 10_000,
      file: "/etc/app/logs/tls-off.log",
      fileSize: 1024 * 1024,
      fileCount: 0,
    },
    admin: { listen: { transport: "tcp", hostname: "::", port: 9180 }, expose: true, topClients: 5 },
    shutdown: { graceMs: 0 },
  });
});

Deno.test("parseConfig() puts the certificate of cert and key before the others", () => {
  const { config } = parse(SHORT + '[[listener.certificates]]\ncert = "b.pem"\nkey = "b.key"\n');
  assert.deepEqual(config!.listeners[0].certificates, [
    { path: [], cert: "/etc/app/cert.pem", key: "/keys/key.pem", keyPassphraseFile: "", names: [] },
    { path: ["certificates", 0], cert: "/etc/app/b.pem", key: "/etc/app/b.key", keyPassphraseFile: "", names: [] },
  ]);
});

Deno.test("parseConfig() names file, line, column, key, value and what is allowed", () => {
  assert.deepEqual(problemsOf(SHORT.replace("cert =", 'engine = "fast"\ncert =')), [
    'proxy.toml:4:1: listener.engine: found "fast", must be one of "auto", "native", "node"',
  ]);
});

Deno.test("parseConfig() gives line and column of what is no TOML", () => {
  const cases: [string, string][] = [
    ["[x\n", "proxy.toml:1:"],
    ["a = 'x\n", "proxy.toml:1:"],
    ["\u0000", "proxy.toml:1:1: invalid TOML: "],
  ];
  for (const [source, expected] of cases) {
    const { config, problems } = parse(source);
    assert.equal(config, null);
    assert.equal(problems.length, 1);
    assert.ok(formatProblem(problems[0]).startsWith(expected), formatProblem(problems[0]));
  }
});

Deno.test({
  name: "parseConfig() points at the place of a value that is missing (smol-toml; @std/toml names the next line)",
  ignore: ORIGINAL_STD,
  fn() {
    const { problems: [problem] } = parse("a = 1\nb = \n");
    assert.ok(formatProblem(problem).startsWith("proxy.toml:2:5: invalid TOML: "), formatProblem(problem));
  },
});

Deno.test("parseConfig() never shows a key that was pasted into the file", () => {
  const pem = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n";
  for (const quoted of [`"""${pem}"""`, `"""${pem}`, JSON.stringify(pem), JSON.stringify(pem) + " x"]) {
    const text = problemsOf(SHORT.replace('"/keys/key.pem"', quoted)).join("\n");
    assert.ok(text !== "" && !text.includes("SECRET"), text);
  }
});

Deno.test("loadConfig() reads a file relative to the working directory, and paths in it relative to the file", async () => {
  await withDir(async (dir) => {
    await writeFile(join(dir, "proxy.toml"), "\uFEFF" + SHORT);
    const { config, problems } = await loadConfig("sub/../proxy.toml", { admin: "unix:admin.sock" }, dir);
    assert.deepEqual(problems, []);
    assert.equal(config!.file, join(dir, "proxy.toml"));
    assert.equal(config!.listeners[0].certificates[0].cert, join(dir, "cert.pem"));
    assert.deepEqual(config!.listeners[0].backend, [{
      to: { transport: "unix", path: join(dir, "app.sock") },
      weight: 1,
    }]);
    assert.deepEqual(config!.admin.listen, { transport: "unix", path: join(dir, "admin.sock") });
  });
});

Deno.test("loadConfig() says why a file cannot be read", async () => {
  await withDir(async (dir) => {
    await writeFile(join(dir, "long.toml"), "#".repeat(1024 * 1024 + 1));
    await writeFile(join(dir, "full.toml"), "#".repeat(1024 * 1024));
    await writeFile(join(dir, "binary.toml"), new Uint8Array([0x61, 0x0a, 0x62, 0x63, 0xff, 0xfe]));
    await writeFile(join(dir, "utf16.toml"), Uint8Array.from([0xff, 0xfe, 0x61, 0]));
    await symlink("loop.toml", join(dir, "loop.toml"));
    assert.equal(spawnSync("mkfifo", [join(dir, "fifo")]).status, 0);
    const cases: [string, string][] = [
      ["fifo", "fifo: cannot read the configuration: is a FIFO, must be a file"],
      ["none.toml", "none.toml: cannot read the configuration: file not found"],
      ["", ": cannot read the configuration: is a directory"],
      [".", ".: cannot read the configuration: is a directory"],
      ["long.toml/x", "long.toml/x: cannot read the configuration: a part of its path is not a directory"],
      ["long.toml", "long.toml: cannot read the configuration: longer than 1 MiB"],
      ["loop.toml", "loop.toml: cannot read the configuration: its symbolic links form a loop"],
      ["binary.toml", "binary.toml:2:3: not UTF-8 text"],
      ["utf16.toml", "utf16.toml:1:1: is UTF-16: save it as UTF-8"],
      ["full.toml", "full.toml:1:1: listener: missing, at least one listener"],
    ];
    for (const [file, expected] of cases) {
      const result = await loadConfig(file, {}, dir);
      assert.equal(result.config, null);
      assert.equal(result.problems.length, 1, file);
      assert.ok(formatProblem(result.problems[0]).startsWith(expected), formatProblem(result.problems[0]));
    }
  });
});

Deno.test("buildConfig() makes a configuration in code by the same rules", () => {
  const listener = { listen: "127.0.0.1:0", backend: "unix:app.sock", cert: "/c.pem", key: "/k.pem" };
  const config = buildConfig({
    listener: [{ ...listener, timeouts: { idle: "1s" } }],
    admin: { listen: ":0", expose: true },
  }, "/d");
  assert.equal(config.file, null);
  assert.equal(config.listeners[0].timeouts.idleMs, 1000);
  assert.equal(config.listeners[0].timeouts.connectMs, 5000);
  assert.deepEqual(config.listeners[0].backend, [{ to: { transport: "unix", path: "/d/app.sock" }, weight: 1 }]);
});

Deno.test("buildConfig() throws with all problems, and leaves its argument alone", () => {
  const tree = { listener: [{ listen: "x" }], worker: 1 };
  const before = structuredClone(tree);
  assert.throws(() => buildConfig(tree, "/"), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /^worker: unknown key, did you mean "workers"\?$/m);
    assert.match(error.message, /^listener\.listen: found "x"/m);
    return true;
  });
  assert.deepEqual(tree, before);
});

async function withDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "tls-off-config-"));
  try {
    await use(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}
