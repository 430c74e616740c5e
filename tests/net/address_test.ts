import { formatAddress, isLocalAddress, parseAddress, withoutCovered } from "../../src/net/address.ts";
import type { Address } from "../../src/net/address.ts";
import { ValueError } from "../../src/net/value_error.ts";
import assert from "node:assert/strict";

const tcp = (hostname: string, port: number): Address => ({ transport: "tcp", hostname, port });
const unix = (path: string): Address => ({ transport: "unix", path });

Deno.test("parseAddress() reads every form, and formatAddress() writes it", () => {
  const cases: [string, Address, string?][] = [
    ["127.0.0.1:8443", tcp("127.0.0.1", 8443)],
    ["0.0.0.0:0", tcp("0.0.0.0", 0)],
    ["[::]:443", tcp("::", 443)],
    ["[::1]:65535", tcp("::1", 65535)],
    ["[2001:DB8:0:0::1]:1", tcp("2001:db8::1", 1), "[2001:db8::1]:1"],
    ["[::ffff:127.0.0.1]:80", tcp("127.0.0.1", 80), "127.0.0.1:80"],
    ["[fe80::1%eth0]:443", tcp("fe80::1%eth0", 443)],
    [":8443", tcp("::", 8443), "[::]:8443"],
    ["localhost:3000", tcp("localhost", 3000)],
    ["App.Example:3000", tcp("app.example", 3000), "app.example:3000"],
    ["my_service:3000", tcp("my_service", 3000)],
    ["tcp:app:3000", tcp("app", 3000), "app:3000"],
    ["tcp:[::1]:3000", tcp("::1", 3000), "[::1]:3000"],
    ["unix:/run/app.sock", unix("/run/app.sock")],
    ["unix:relative.sock", unix("relative.sock")],
    ["unix:@name", unix("\0name")],
    ["unix:/run/a b:c@d.sock", unix("/run/a b:c@d.sock")],
    ["unix:/run/ünï.sock", unix("/run/ünï.sock")],
  ];
  for (const [text, address, formatted = text] of cases) {
    assert.deepEqual(parseAddress(text), address, text);
    assert.equal(formatAddress(address), formatted);
  }
});

Deno.test("parseAddress() says which part is wrong", () => {
  const cases: [string, RegExp][] = [
    ["", /^must be an address such as/],
    ["80a", /the port is missing/],
    ["8443", /a port alone is written ":8443"/],
    ["127.0.0.1", /the port is missing/],
    ["127.0.0.1:", /port must be a number from 0 to 65535/],
    ["127.0.0.1:65536", /port must be a number/],
    ["127.0.0.1:-1", /port must be a number/],
    ["127.0.0.1:1e3", /port must be a number/],
    ["127.0.0.1: 80", /port must be a number/],
    ["127.0.0.1:000080", /port must be a number/],
    ["127.0.0.256:80", /four numbers from 0 to 255/],
    ["127.1:80", /four numbers from 0 to 255/],
    ["010.0.0.1:80", /four numbers from 0 to 255/],
    ["1.2.3.4.5:80", /four numbers from 0 to 255/],
    ["::1:443", /IPv6 needs brackets/],
    ["::1", /IPv6 needs brackets/],
    ["[::1]", /the port is missing/],
    ["[::1]443", /must be an address/],
    ["[::1:443", /must be an address/],
    ["[]:443", /IPv6 address in the brackets/],
    ["[127.0.0.1]:443", /IPv6 address in the brackets/],
    ["[localhost]:443", /IPv6 address in the brackets/],
    ["[::1%a b]:443", /IPv6 address in the brackets/],
    ["a b:80", /host name or an IP address/],
    ["-a:80", /host name or an IP address/],
    ["a..b:80", /host name or an IP address/],
    ["a/b:80", /host name or an IP address/],
    [`${"a".repeat(64)}:80`, /host name or an IP address/],
    ["https://a:80", /an address has no scheme and no path: "a:80"/],
    ["http://localhost/x", /an address has no scheme and no path: "localhost:80"/],
    ["*:8443", /all addresses are written ":8443"/],
    ["/run/a.sock", /a Unix socket is written "unix:\/run\/a.sock"/],
    ["./a.sock", /a Unix socket is written "unix:.\/a.sock"/],
    ["a:b:80", /must be an address/],
    ["unix:", /must name a socket/],
    ["unix:@", /must name a socket/],
    ["unix:/a\0b", /control characters/],
    ["127.0.0.1:80\n", /control characters/],
  ];
  for (const [text, detail] of cases) assert.throws(() => parseAddress(text), { name: "ValueError", detail }, text);
  for (const value of [8443, null, true, ["a:1"], {}]) assert.throws(() => parseAddress(value), ValueError);
});

Deno.test("parseAddress() asks a backend for a host and a port that is not 0", () => {
  assert.throws(() => parseAddress(":80", { purpose: "connect" }), { detail: 'must name a host: "localhost:80"' });
  assert.throws(() => parseAddress("a:0", { purpose: "connect" }), { detail: "port must be a number from 1 to 65535" });
  assert.deepEqual(parseAddress("a:1", { purpose: "connect" }), tcp("a", 1));
});

Deno.test("parseAddress() resolves relative Unix paths and leaves abstract names alone", () => {
  assert.deepEqual(parseAddress("unix:run/a.sock", { baseDir: "/etc/app" }), unix("/etc/app/run/a.sock"));
  assert.deepEqual(parseAddress("unix:../a.sock", { baseDir: "/etc/app" }), unix("/etc/a.sock"));
  assert.deepEqual(parseAddress("unix:/a.sock", { baseDir: "/etc/app" }), unix("/a.sock"));
  assert.deepEqual(parseAddress("unix:@a/b", { baseDir: "/etc/app" }), unix("\0a/b"));
});

Deno.test("parseAddress() counts the bytes of a Unix name as the kernel does", () => {
  const path = "/" + "x".repeat(106);
  assert.deepEqual(parseAddress("unix:" + path), unix(path));
  assert.throws(() => parseAddress(`unix:${path}x`), { detail: /at most 107 bytes: has 108/ });
  const name = "x".repeat(107);
  assert.deepEqual(parseAddress("unix:@" + name), unix("\0" + name));
  assert.throws(() => parseAddress(`unix:@${name}x`), { detail: /at most 107 bytes: has 108/ });
  assert.throws(() => parseAddress("unix:/" + "ü".repeat(54)), { detail: /has 109/ });
  assert.throws(() => parseAddress("unix:a", { baseDir: path }), { detail: /has 109/ });
});

Deno.test("isLocalAddress() knows what only this machine reaches", () => {
  for (const text of ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/a", "unix:@a"]) {
    assert.equal(isLocalAddress(parseAddress(text)), true, text);
  }
  for (const text of [":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[fe80::1]:1", "a.example:1", "localhost.a:1"]) {
    assert.equal(isLocalAddress(parseAddress(text)), false, text);
  }
});

Deno.test("withoutCovered() leaves out IPv4 where the same port has a socket for both families", () => {
  const kept = (...texts: string[]) => withoutCovered(texts.map((text) => parseAddress(text))).map(formatAddress);
  assert.deepEqual(kept("0.0.0.0:443", "[::]:443"), ["[::]:443"]);
  assert.deepEqual(kept(":443", "0.0.0.0:443", "0.0.0.0:80"), ["[::]:443", "0.0.0.0:80"]);
  assert.deepEqual(kept("127.0.0.1:443", "[::]:443"), ["127.0.0.1:443", "[::]:443"]);
  assert.deepEqual(kept("0.0.0.0:0", "[::]:0"), ["0.0.0.0:0", "[::]:0"]);
  assert.deepEqual(kept("0.0.0.0:443", "[::1]:443", "unix:/a"), ["0.0.0.0:443", "[::1]:443", "unix:/a"]);
});
