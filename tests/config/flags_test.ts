import { CONFIG_FLAGS, type ConfigFlags, flagFor } from "../../src/config/flags.ts";
import { loadConfig, parseConfig } from "../../src/config/load.ts";
import { lines, parse, SHORT } from "./files.ts";
import assert from "node:assert/strict";

const ALONE: ConfigFlags = { listen: ["127.0.0.1:0"], backend: ["unix:app.sock"], cert: "c.pem", key: "/k.pem" };

function parseElsewhere(source: string, flags: ConfigFlags) {
  return parseConfig(source, "conf/proxy.toml", flags, "/work").config!;
}

Deno.test("loadConfig() makes one listener of flags alone, named by its first address", async () => {
  const { config, problems } = await loadConfig(null, { ...ALONE, listen: [":8443", "127.0.0.1:0"] }, "/work");
  assert.deepEqual(problems, []);
  assert.equal(config!.file, null);
  assert.equal(config!.listeners.length, 1);
  const { name, listen, backend, certificates } = config!.listeners[0];
  assert.equal(name, "[::]:8443");
  assert.equal(listen.length, 2);
  assert.deepEqual(backend, [{ to: { transport: "unix", path: "/work/app.sock" }, weight: 1 }]);
  assert.deepEqual(certificates, [{ path: [], cert: "/work/c.pem", key: "/k.pem", keyPassphraseFile: "", names: [] }]);
});

Deno.test("loadConfig() takes every flag", async () => {
  const { config, problems } = await loadConfig(null, {
    ...ALONE,
    workers: "2",
    engine: "node",
    proxyProtocol: "v2",
    admin: "127.0.0.1:9180",
    logLevel: "debug",
    logFormat: "json",
  }, "/");
  assert.deepEqual(problems, []);
  assert.equal(config!.workers, 2);
  assert.equal(config!.listeners[0].engine, "node");
  assert.equal(config!.listeners[0].proxyProtocol, "v2");
  assert.deepEqual(config!.admin.listen, { transport: "tcp", hostname: "127.0.0.1", port: 9180 });
  assert.equal(config!.log.level, "debug");
  assert.equal(config!.log.format, "json");
});

Deno.test("loadConfig() names the flags that are missing or wrong", async () => {
  const cases: [ConfigFlags, string[]][] = [
    [{}, ["--listen: missing, at least one listener with listen, backend, cert and key (or acme) must be given"]],
    [{ workers: "2" }, [
      "--listen: missing, at least one listener with listen, backend, cert and key (or acme) must be given",
    ]],
    [{ listen: [":1"] }, ["--backend: missing, must be given", "--cert: missing, cert and key"]],
    [{ ...ALONE, cert: undefined }, ["--key: needs --cert beside it"]],
    [{ ...ALONE, key: undefined }, ["--cert: needs --key beside it"]],
    [{ ...ALONE, listen: [":1", "80a", "x"] }, ['--listen: found "80a"', '--listen: found "x"']],
    [{ ...ALONE, backend: [":80"] }, ['--backend: found ":80", must name a host: "localhost:80"']],
    [{ ...ALONE, workers: "four" }, ['--workers: found "four", must be "auto" or a whole number from 1 to 256']],
    [{ ...ALONE, workers: "0" }, ["--workers: found 0, must be"]],
    [{ ...ALONE, engine: "fast" }, ['--engine: found "fast", must be one of "auto", "native", "node"']],
    [{ ...ALONE, proxyProtocol: "v3" }, ['--proxy-protocol: found "v3", must be one of']],
    [{ ...ALONE, admin: ":9180" }, ['--admin: found "[::]:9180", must be a loopback address']],
    [{ ...ALONE, logLevel: "loud" }, ['--log-level: found "loud"']],
    [{ ...ALONE, logFormat: "xml" }, ['--log-format: found "xml"']],
    [{ ...ALONE, listen: [":1", ":1"] }, ['--listen: found ":1", must not be given twice']],
  ];
  for (const [flags, expected] of cases) {
    const { config, problems } = await loadConfig(null, flags, "/");
    assert.equal(config, null);
    const found = problems.map(({ key, message }) => `${key}: ${message}`);
    assert.equal(found.length, expected.length, found.join("\n"));
    expected.forEach((start, i) => assert.ok(found[i].startsWith(start), `${found[i]} / ${start}`));
    assert.deepEqual(lines({ problems }), found);
  }
});

Deno.test("parseConfig() lets flags override the file", () => {
  const { config, problems } = parse('workers = 8\n[log]\nlevel = "error"\n' + SHORT, {
    listen: ["127.0.0.1:1"],
    backend: ["a:1", "b:1"],
    cert: "other.pem",
    workers: "auto",
    engine: "native",
    logLevel: "debug",
  });
  assert.deepEqual(problems, []);
  assert.equal(config!.workers, "auto");
  assert.equal(config!.log.level, "debug");
  const { name, backend, certificates, engine } = config!.listeners[0];
  assert.deepEqual([name, backend.length, engine], ["127.0.0.1:1", 2, "native"]);
  assert.deepEqual(certificates, [{
    path: [],
    cert: "/etc/app/other.pem",
    key: "/keys/key.pem",
    keyPassphraseFile: "",
    names: [],
  }]);
});

Deno.test("parseConfig() does not complain of what a flag overrides", () => {
  const { config, problems } = parse(SHORT.replace('":8443"', '"80a"'), { listen: [":1"] });
  assert.deepEqual(problems, []);
  assert.equal(config!.listeners[0].name, "[::]:1");
  const tlvs = SHORT + 'proxy-protocol = "v2"\nproxy-protocol-tlvs = ["ssl"]\n';
  assert.deepEqual(parse(tlvs, { proxyProtocol: "off" }).problems, []);
});

Deno.test("parseConfig() resolves paths of flags from the working directory and those of the file from the file's", () => {
  const source = SHORT.replace("unix:app.sock", "unix:in-file.sock");
  const { config } = parse(source, { key: "flag.pem" });
  assert.equal(config!.listeners[0].certificates[0].key, "/etc/app/flag.pem");
  const elsewhere = parseElsewhere(source, { key: "flag.pem" });
  assert.deepEqual(elsewhere.listeners[0].certificates, [
    { path: [], cert: "/work/conf/cert.pem", key: "/work/flag.pem", keyPassphraseFile: "", names: [] },
  ]);
  assert.deepEqual(elsewhere.listeners[0].backend, [{
    to: { transport: "unix", path: "/work/conf/in-file.sock" },
    weight: 1,
  }]);
});

Deno.test("parseConfig() refuses flags about a listener where the file has several", () => {
  const other = '[[listener]]\nlisten = ":2"\nbackend = "a:1"\ncert = "c"\nkey = "k"\n';
  const { config, problems } = parse(SHORT + other, { listen: [":3"], engine: "node", workers: "2" });
  assert.equal(config, null);
  assert.deepEqual(lines({ problems }), [
    "--listen: applies to one listener, the file has 2: change them in the file",
    "--engine: applies to one listener, the file has 2: change them in the file",
  ]);
  assert.deepEqual(parse(SHORT + other, { workers: "2", logLevel: "warn" }).problems, []);
});

Deno.test("parseConfig() gives a file without listeners the flags' one", () => {
  const { config, problems } = parse("workers = 2\n", ALONE);
  assert.deepEqual(problems, []);
  assert.equal(config!.listeners[0].name, "127.0.0.1:0");
});

Deno.test("parseConfig() tells of a file of the wrong shape although flags reach into it", () => {
  const cases: [string, string][] = [
    ["log = 3", "proxy.toml:1:1: log: found 3, must be a table: [log]"],
    ["admin = []", "proxy.toml:1:1: admin: found an empty list, must be a table: [admin]"],
    ["listener = 3", "proxy.toml:1:1: listener: found 3, must be an array of tables: [[listener]]"],
    ["listener = [3]", "proxy.toml:1:1: listener: found a list of 1, must be an array of tables: [[listener]]"],
  ];
  for (const [source, expected] of cases) {
    const found = lines(parse(source, { ...ALONE, logLevel: "warn", admin: "unix:a" }));
    assert.deepEqual(found, [expected]);
  }
});

Deno.test("flagFor() knows the flag of a path", () => {
  assert.equal(flagFor(["listener", 0, "proxy-protocol"]), "--proxy-protocol");
  assert.equal(flagFor(["workers"]), "--workers");
  assert.equal(flagFor(["admin", "listen"]), "--admin");
  assert.equal(flagFor(["listener", 0, "alpn"]), "--alpn");
  assert.equal(flagFor(["listener", 0, "sni-strict"]), null);
  assert.equal(new Set(CONFIG_FLAGS.map(({ flag }) => flag)).size, CONFIG_FLAGS.length);
});
