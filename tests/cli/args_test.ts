import { type Invocation, parseCommandLine, UsageError } from "../../src/cli/args.ts";
import assert from "node:assert/strict";

function parse(line: string): Invocation {
  return parseCommandLine(line.split(" ").filter((word) => word !== ""), "/work");
}

Deno.test("parseCommandLine() understands each command", () => {
  const cases: [string, Invocation][] = [
    ["run proxy.toml", { command: "run", file: "proxy.toml", flags: {}, allowKeyLog: false }],
    ["proxy.toml", { command: "run", file: "proxy.toml", flags: {}, allowKeyLog: false }],
    ["./conf", { command: "run", file: "./conf", flags: {}, allowKeyLog: false }],
    ["/etc/proxy", { command: "run", file: "/etc/proxy", flags: {}, allowKeyLog: false }],
    ["proxy.toml --workers 2", { command: "run", file: "proxy.toml", flags: { workers: "2" }, allowKeyLog: false }],
    ["run --workers=2 proxy.toml", { command: "run", file: "proxy.toml", flags: { workers: "2" }, allowKeyLog: false }],
    ["run -- --odd-name", { command: "run", file: "--odd-name", flags: {}, allowKeyLog: false }],
    ["run 8443", { command: "run", file: "8443", flags: {}, allowKeyLog: false }],
    ["check proxy.toml", { command: "check", file: "proxy.toml", online: false }],
    ["check --online proxy.toml", { command: "check", file: "proxy.toml", online: true }],
    ["acme list", { command: "acme", action: "list", name: "", file: null }],
    ["acme list a.toml", { command: "acme", action: "list", name: "", file: "a.toml" }],
    ["acme renew a.example a.toml", { command: "acme", action: "renew", name: "a.example", file: "a.toml" }],
    ["acme revoke a.example", { command: "acme", action: "revoke", name: "a.example", file: null }],
    ["demo", { command: "demo", port: 8443 }],
    ["demo --port 0", { command: "demo", port: 0 }],
    ["demo --port=65535", { command: "demo", port: 65535 }],
    ["cert --out dir", { command: "cert", out: "dir", hosts: [], force: false }],
    ["cert --force --out dir --force", { command: "cert", out: "dir", hosts: [], force: true }],
    ["cert --host a --out dir --host b", { command: "cert", out: "dir", hosts: ["a", "b"], force: false }],
    ["top", { command: "top", admin: { transport: "tcp", hostname: "127.0.0.1", port: 9180 } }],
    ["top --admin unix:a.sock", { command: "top", admin: { transport: "unix", path: "/work/a.sock" } }],
    ["top --admin http://127.0.0.1:9180/", {
      command: "top",
      admin: { transport: "tcp", hostname: "127.0.0.1", port: 9180 },
    }],
    ["check -", { command: "check", file: "-", online: false }],
    ["completions zsh", { command: "completions", shell: "zsh" }],
    ["version", { command: "version" }],
    ["--version", { command: "version" }],
    ["-V", { command: "version" }],
    ["--help", { command: "help", topic: null }],
    ["-h", { command: "help", topic: null }],
    ["help", { command: "help", topic: null }],
    ["help cert", { command: "help", topic: "cert" }],
    ["--help cert", { command: "help", topic: "cert" }],
    ["cert --help", { command: "help", topic: "cert" }],
    ["cert --nonsense -h", { command: "help", topic: "cert" }],
    ["proxy.toml --help", { command: "help", topic: "run" }],
  ];
  for (const [line, expected] of cases) assert.deepEqual(parse(line), expected, line);
});

Deno.test("parseCommandLine() takes every flag of run", () => {
  const line =
    "run --listen :1 --listen [::1]:2 --backend unix:a --backend b:1 --cert c.pem --key k.pem --workers auto --alpn h2 " +
    "--engine node --proxy-protocol v2 --admin unix:admin --log-level debug --log-format json";
  assert.deepEqual(parse(line), {
    command: "run",
    file: null,
    flags: {
      listen: [":1", "[::1]:2"],
      backend: ["unix:a", "b:1"],
      cert: "c.pem",
      key: "k.pem",
      alpn: ["h2"],
      workers: "auto",
      engine: "node",
      proxyProtocol: "v2",
      admin: "unix:admin",
      logLevel: "debug",
      logFormat: "json",
    },
    allowKeyLog: false,
  });
  assert.deepEqual(parse("a.toml --allow-key-log"), { command: "run", file: "a.toml", flags: {}, allowKeyLog: true });
});

Deno.test("parseCommandLine() says in one line what is wrong", () => {
  const cases: [string, string][] = [
    [
      "run --listen :1 --cert c --key k",
      "Missing flag --backend of run: without CONFIG.toml it must be given, see tls-off run --help",
    ],
    [
      "run --listen :1",
      "Missing flags --backend, --cert, --key of run: without CONFIG.toml they must be given, see tls-off run --help",
    ],
    ["run -", "Cannot run from standard input: a reload reads the configuration again, name a file"],
    ["completions", "Missing word of completions: write tls-off completions bash|zsh|fish"],
    ["completions bsh", 'completions: found "bsh", must be one of "bash", "zsh", "fish", did you mean "bash"?'],
    ["completions bash zsh", 'Unexpected argument "zsh" of completions'],
    ["", 'No command: write "tls-off CONFIG.toml", or see tls-off --help'],
    ["chekc proxy.toml", 'Unknown command "chekc", did you mean "check"?'],
    ["help chekc", 'Unknown command "chekc", did you mean "check"?'],
    ["frobnicate", 'Unknown command "frobnicate": see tls-off --help'],
    ["run --allow-key-log", "Nothing to run: give CONFIG.toml, or --listen, --backend, --cert and --key"],
    ["a.toml --allow-key-log=yes", "Flag --allow-key-log of run takes no value"],
    ["--listen :1", 'No command before "--listen": write "tls-off run" and then the flags'],
    ["run", "Nothing to run: give CONFIG.toml, or --listen, --backend, --cert and --key"],
    ["run a.toml b.toml", 'Unexpected argument "b.toml" of run'],
    ["run a.toml --worker 2", 'Unknown flag "--worker" of run, did you mean "--workers"?'],
    ["run a.toml --log_level debug", 'Unknown flag "--log_level" of run, did you mean "--log-level"?'],
    ["run a.toml --frob=1", 'Unknown flag "--frob" of run: see tls-off run --help'],
    ["run a.toml -x", 'Unknown flag "-x" of run: see tls-off run --help'],
    ["run a.toml --no-admin", 'Unknown flag "--no-admin" of run'],
    ["run a.toml --toString", 'Unknown flag "--toString" of run'],
    ["run a.toml --__proto__ x", 'Unknown flag "--__proto__" of run'],
    ["run a.toml --workers", "Missing value of --workers: write --workers N"],
    ["run a.toml --workers=", "Missing value of --workers: write --workers N"],
    ["run a.toml --workers -1", "Missing value of --workers: write --workers N"],
    ["run --listen --backend a:1", "Missing value of --listen: write --listen ADDR"],
    ["run a.toml --cert x --cert y", "Flag --cert is given 2 times"],
    ["run a.toml --engine fast", '--engine: found "fast", must be one of "auto", "native", "node"'],
    ["run a.toml --workers 1e2", '--workers: found "1e2", must be "auto" or a whole number from 1 to 256'],
    ["run a.toml --workers 999", "--workers: found 999, must be a whole number from 1 to 256"],
    ["run a.toml --listen 80a", '--listen: found "80a", must be an address'],
    ["run a.toml --listen :1 --listen :1", '--listen: found ":1", must not be given twice'],
    ["run a.toml --backend :1", '--backend: found ":1", must name a host: "localhost:1"'],
    ["run a.toml --proxy-protocol on", '--proxy-protocol: found "on", must be one of "off", "v1", "v2"'],
    ["run a.toml --admin 9180", '--admin: found "9180", a port alone is written ":9180"'],
    ["run a.toml --log-level loud", '--log-level: found "loud", must be one of'],
    ["run a.toml --log-format xml", '--log-format: found "xml", must be one of'],
    ["acme", "Missing word of acme: write tls-off acme list|renew|revoke"],
    ["acme renw a.example", 'acme: found "renw", must be one of "list", "renew", "revoke", did you mean "renew"?'],
    ["acme renew", 'No name to renew: write "tls-off acme renew NAME"'],
    ["acme list a.toml b", 'Unexpected argument "b" of acme'],
    ["check", 'No file to check: write "tls-off check CONFIG.toml"'],
    ["check a.toml b.toml", 'Unexpected argument "b.toml" of check'],
    ["check a.toml --workers 2", 'Unknown flag "--workers" of check'],
    ["demo x", 'Unexpected argument "x" of demo'],
    ["demo --port 65536", '--port: found "65536", must be a number from 0 to 65535'],
    ["demo --port x", '--port: found "x", must be a number'],
    ["cert", "Missing flag of cert: --out DIR"],
    ["cert --host a", "Missing flag of cert: --out DIR"],
    ["cert --out a --out b", "Flag --out is given 2 times"],
    ["cert --out a --force=no", "Flag --force of cert takes no value"],
    ["top --admin x", '--admin: found "x", must be an address'],
    ["top --admin :9180", '--admin: found ":9180", must name a host: "localhost:9180"'],
    ["version x", 'Unexpected argument "x" of version'],
    ["version --x", 'Unknown flag "--x" of version'],
  ];
  for (const [line, message] of cases) {
    assert.throws(() => parse(line), (error) => {
      assert.ok(error instanceof UsageError, `${line}: ${error}`);
      assert.equal(error.message.slice(0, message.length), message);
      assert.equal(error.message.split("\n").length, 1);
      return true;
    });
  }
});

Deno.test("parseCommandLine() keeps control characters and pasted keys out of its message", () => {
  for (const argv of [["\x1b[31m"], ["run", "a", "\x1b[31m"], ["run", "--\x1b[31m"], ["-\x1b[31m"]]) {
    // deno-lint-ignore no-control-regex -- what must not be there
    assert.throws(() => parseCommandLine(argv, "/"), (error) => !/[\x00-\x1f]/.test((error as Error).message));
  }
  const pem = "-----BEGIN PRIVATE KEY-----\nSECRET";
  for (const argv of [["run", "--engine", pem], ["run", pem, pem], ["run", "--key", pem], [pem]]) {
    assert.throws(
      () => parseCommandLine(argv, "/"),
      (error) => error instanceof UsageError && !error.message.includes("SECRET"),
    );
  }
});

Deno.test("parseCommandLine() refuses an empty file name", () => {
  assert.throws(() => parseCommandLine(["run", ""], "/"), { name: "UsageError" });
  assert.throws(() => parseCommandLine(["check", ""], "/"), { name: "UsageError" });
});
