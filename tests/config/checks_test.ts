import { parse, problemsOf, SHORT } from "./files.ts";
import assert from "node:assert/strict";

/** Checks what a right listener with some more lines gives; lines of the file are counted from 6. */
function added(...lines: string[]): string[] {
  return problemsOf(SHORT + lines.join("\n")).map((line) => line.replace("proxy.toml:", ""));
}

const OTHER = '[[listener]]\nlisten = ":9443"\nbackend = "unix:b.sock"\ncert = "c"\nkey = "k"';

Deno.test("checkConfig() wants at least one listener", () => {
  const message = "missing, at least one listener with listen, backend, cert and key (or acme) must be given";
  for (const source of ["", "# nothing\n", "listener = []", "workers = 2"]) {
    assert.deepEqual(problemsOf(source), [`proxy.toml:1:1: listener: ${message}`]);
  }
});

Deno.test("checkConfig() wants a name once", () => {
  assert.deepEqual(added(OTHER), []);
  assert.deepEqual(added('name = "a"', OTHER, 'name = "a"'), [
    '12:1: listener.name: found "a", another listener (line 6) has this name',
  ]);
  assert.deepEqual(added(OTHER, 'name = "[::]:8443"'), [
    '11:1: listener.name: found "[::]:8443", another listener (line 1) has this name',
  ]);
});

Deno.test("checkConfig() wants an address once, over all listeners and the admin endpoint", () => {
  assert.deepEqual(added(OTHER.replace(":9443", "[::]:8443"), 'name = "b"'), [
    '7:1: listener.listen: found "[::]:8443", listener "[::]:8443" has this address',
  ]);
  assert.deepEqual(added(OTHER.replace('":9443"', '["unix:a", "[0::0]:8443"]')), [
    '7:21: listener.listen: found "[::]:8443", listener "[::]:8443" has this address',
  ]);
  assert.deepEqual(added(OTHER.replace(":9443", "127.0.0.1:9443"), '[admin]\nlisten = "127.0.0.1:9443"'), [
    '12:1: admin.listen: found "127.0.0.1:9443", listener "127.0.0.1:9443" has this address',
  ]);
});

Deno.test("checkConfig() allows a port on all addresses and on one, and port 0 many times", () => {
  assert.deepEqual(added(OTHER.replace(":9443", "127.0.0.1:8443")), []);
  assert.deepEqual(added(OTHER.replace(":9443", "0.0.0.0:8443")), []);
  const twice = SHORT.replace('":8443"', '[":0", ":0"]') + OTHER.replace(":9443", ":0") + '\nname = "b"';
  assert.deepEqual(problemsOf(twice), []);
  assert.equal(parse(twice).config!.listeners[0].listen.length, 2);
});

Deno.test("checkConfig() refuses a listener that is its own backend", () => {
  assert.deepEqual(problemsOf(SHORT.replace(":8443", "127.0.0.1:3000").replace("unix:app.sock", "127.0.0.1:3000")), [
    'proxy.toml:3:1: listener.backend: found "127.0.0.1:3000", the listener would connect to itself',
  ]);
});

Deno.test("checkConfig() wants cert and key together, or certificates", () => {
  const without = (...names: string[]) =>
    SHORT.split("\n").filter((line) => !names.some((name) => line.startsWith(name))).join("\n");
  assert.deepEqual(problemsOf(without("cert")), ["proxy.toml:4:1: listener.key: needs cert beside it"]);
  assert.deepEqual(problemsOf(without("key")), ["proxy.toml:4:1: listener.cert: needs key beside it"]);
  assert.deepEqual(problemsOf(without("cert", "key")), [
    "proxy.toml:1:1: listener.cert: missing, cert and key (or certificates, or acme) must be given",
  ]);
  assert.deepEqual(problemsOf(without("cert", "key") + 'certificates = [{ cert = "c", key = "k" }]'), []);
  assert.deepEqual(problemsOf(without("cert", "key") + "cert = 1"), [
    'proxy.toml:4:1: listener.cert: found 1, must be a path, or "" for none',
  ]);
});

Deno.test("checkConfig() refuses a lowest version above the highest", () => {
  assert.deepEqual(added('min-version = "1.3"', 'max-version = "1.2"'), [
    '6:1: listener.min-version: found "1.3", must not be above max-version ("1.2")',
  ]);
  assert.deepEqual(added('min-version = "1.3"'), []);
  assert.deepEqual(added('max-version = "1.2"'), []);
  assert.deepEqual(added('min-version = "1.3"', 'max-version = "1.3"'), []);
});

Deno.test("checkConfig() wants a CA where clients show certificates", () => {
  for (const mode of ["optional", "required"]) {
    assert.deepEqual(added("[listener.client-auth]", `mode = "${mode}"`), [
      `7:1: listener.client-auth.mode: found "${mode}", needs ca: the authorities that sign clients`,
    ]);
    assert.deepEqual(added("[listener.client-auth]", `mode = "${mode}"`, 'ca = "ca.pem"'), []);
  }
});

Deno.test("checkConfig() refuses allow lists that guard nothing because the mode was forgotten", () => {
  const message = 'has no effect without mode: must stand beside mode = "optional" or "required"';
  for (const line of ['ca = "ca.pem"', 'allow-cn = ["a"]', 'allow-dns = ["a"]', 'allow-uri = ["spiffe://a"]']) {
    const name = line.split(" ")[0];
    assert.deepEqual(added("[listener.client-auth]", line), [`7:1: listener.client-auth.${name}: ${message}`]);
  }
  assert.deepEqual(added("[listener.client-auth]", 'ca = ""', "allow-cn = []"), []);
});

Deno.test('checkConfig() warns of allow lists where the mode says "none"', () => {
  const result = parse(SHORT + '[listener.client-auth]\nmode = "none"\nca = "ca.pem"\nallow-cn = ["a"]');
  assert.deepEqual(result.problems.map(({ severity, line, message }) => [severity, line, message]), [
    ["warning", 9, 'has no effect while mode is "none"'],
  ]);
  assert.equal(result.config!.listeners[0].clientAuth.ca, null);
});

Deno.test("checkConfig() wants version 2 of the PROXY protocol for its TLVs", () => {
  assert.deepEqual(added("proxy-protocol-tlvs = []"), [
    '6:1: listener.proxy-protocol-tlvs: needs proxy-protocol = "v2", which is "off"',
  ]);
  assert.deepEqual(added('proxy-protocol = "v1"', 'proxy-protocol-tlvs = ["ssl"]'), [
    '7:1: listener.proxy-protocol-tlvs: needs proxy-protocol = "v2", which is "v1"',
  ]);
  assert.deepEqual(added('proxy-protocol = "v2"', 'proxy-protocol-tlvs = ["ssl"]'), []);
  assert.deepEqual(added('proxy-protocol = "v2"', 'proxy-protocol-tlvs = ["ssl", "forwarded"]'), [
    '7:1: listener.proxy-protocol-tlvs: found "forwarded", needs accept-proxy: the header to forward from',
  ]);
  assert.deepEqual(
    added('proxy-protocol = "v2"', 'proxy-protocol-tlvs = ["forwarded"]', 'accept-proxy = ["10.0.0.0/8"]'),
    [],
  );
});

Deno.test("checkConfig() keeps the admin endpoint on this machine unless told otherwise", () => {
  for (const listen of ["0.0.0.0:9180", ":9180", "10.0.0.1:9180", "admin.example:9180"]) {
    const [found, ...others] = added("[admin]", `listen = "${listen}"`);
    assert.equal(found.split(", ")[1], "must be a loopback address or a Unix socket unless admin.expose = true");
    assert.deepEqual(others, []);
    assert.deepEqual(added("[admin]", `listen = "${listen}"`, "expose = true"), []);
  }
  for (const listen of ["", "127.0.0.1:9180", "[::1]:9180", "localhost:9180", "unix:admin.sock", "unix:@admin"]) {
    assert.deepEqual(added("[admin]", `listen = "${listen}"`), []);
  }
});

Deno.test("checkConfig() warns of rotation without a log file", () => {
  assert.deepEqual(added("[log]", 'file-size = "1MiB"', "file-count = 1"), [
    "7:1: warning: log.file-size: has no effect without log.file",
    "8:1: warning: log.file-count: has no effect without log.file",
  ]);
  assert.deepEqual(added("[log]", 'file = "a.log"', 'file-size = "1MiB"'), []);
});

Deno.test("checkConfig() tells of one mistake once", () => {
  const cases: [string, number][] = [
    ['[log]\nfile-size = "x"', 1],
    ['[listener.client-auth]\nmode = "x"\nallow-cn = ["a"]', 1],
    ['[listener.client-auth]\nmode = "required"\nca = 1', 1],
    ['min-version = "x"\nmax-version = "1.2"', 1],
    ['proxy-protocol = "x"\nproxy-protocol-tlvs = []', 1],
    ['[admin]\nlisten = "0.0.0.0:1"\nexpose = 1', 1],
    ["certificates = 1", 1],
  ];
  for (const [lines, count] of cases) assert.equal(added(lines).length, count, added(lines).join("\n"));
});

Deno.test("checkConfig() takes the mode and owners of a Unix socket alone, and only names that there are", () => {
  const unix = SHORT.replace('":8443"', '"unix:/run/a.sock"');
  assert.deepEqual(problemsOf(`${unix}listen-mode = "0660"\nlisten-owner = "root"\nlisten-group = "12345"\n`), []);
  assert.deepEqual(problemsOf(`${unix}listen-mode = "660"\n`), []);
  assert.deepEqual(problemsOf(`${unix}listen-group = "no-such-group"\n`), [
    'proxy.toml:6:1: listener.listen-group: found "no-such-group", no group of this machine has this name',
  ]);
  assert.deepEqual(added('listen-mode = "0660"'), [
    '6:1: listener.listen-mode: found "0660", needs listen = "unix:/…": nothing else has a mode and owners',
  ]);
  assert.equal(problemsOf(SHORT.replace('":8443"', '"unix:@name"') + 'listen-owner = "root"').length, 1);
  for (const mode of ["0888", "rw", "07770", "66"]) {
    assert.match(problemsOf(`${unix}listen-mode = "${mode}"\n`).join(), /must be three octal digits such as "0660"/);
  }
});

Deno.test("checkConfig() refuses spread by client where the clients' addresses are not to be seen", () => {
  assert.deepEqual(added('spread = "client"'), []);
  assert.deepEqual(added('spread = "client"', 'accept-proxy = ["10.0.0.0/8"]'), [
    '6:1: listener.spread: found "client", cannot go with accept-proxy: all connections would come from the balancer',
  ]);
  assert.deepEqual(problemsOf(SHORT.replace('":8443"', '[":8443", "unix:/run/a.sock"]') + 'spread = "client"'), [
    'proxy.toml:6:1: listener.spread: found "client", cannot go with "unix:/run/a.sock": clients of a Unix socket have no address',
  ]);
});
