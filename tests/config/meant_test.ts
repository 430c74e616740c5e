/** What is said of configurations that are written as for another program. */
import assert from "node:assert/strict";
import { ORIGINAL_STD } from "../support/original_std.ts";
import { problemsOf, SHORT } from "./files.ts";

const OTHER = '[[listener]]\nlisten = ":8443"\nbackend = "unix:b.sock"\ncert = "c"\nkey = "k"';

Deno.test("parseConfig() says how an address is written that is written as elsewhere", () => {
  const cases: [string, string, string][] = [
    ["listen", "8443", 'found 8443, a port alone is written ":8443"'],
    ["listen", '"8443"', 'found "8443", a port alone is written ":8443"'],
    ["listen", '"*:8443"', 'found "*:8443", all addresses are written ":8443"'],
    [
      "listen",
      '"https://localhost"',
      'found "https://localhost", an address has no scheme and no path: "localhost:443"',
    ],
    ["backend", "3000", 'found 3000, must name a host: "localhost:3000"'],
    ["backend", '"*:3000"', 'found "*:3000", must name a host: "localhost:3000"'],
    ["backend", '"/run/app.sock"', 'found "/run/app.sock", a Unix socket is written "unix:/run/app.sock"'],
    [
      "backend",
      '"unix:///run/app.sock"',
      'found "unix:///run/app.sock", a Unix socket is written "unix:/run/app.sock"',
    ],
    ["backend", '"unix://run/app.sock"', 'found "unix://run/app.sock", a Unix socket is written "unix:/run/app.sock"'],
    [
      "backend",
      '"http://localhost:3000/"',
      'found "http://localhost:3000/", an address has no scheme and no path: "localhost:3000"',
    ],
  ];
  for (const [key, value, message] of cases) {
    const source = SHORT.replace(new RegExp(`^${key} = .*$`, "m"), `${key} = ${value}`);
    const line = key === "listen" ? 2 : 3;
    assert.deepEqual(problemsOf(source), [`proxy.toml:${line}:1: listener.${key}: ${message}`]);
  }
});

Deno.test("parseConfig() says what a file is that is no TOML", () => {
  const toml = 'must be TOML: [[listener]] on a line of its own, then listen = ":8443"';
  const cases: [string, string][] = [
    ['{ "listener": [] }', `proxy.toml:1:1: invalid TOML: this is JSON, ${toml}`],
    ['listener:\n  - listen: ":8443"\n', `proxy.toml:1:9: invalid TOML: this is YAML, ${toml}`],
    ["# a comment\nworkers: 2\n", `proxy.toml:2:8: invalid TOML: this is YAML, ${toml}`],
    ['workers = "auto\n', `proxy.toml:1:16: invalid TOML: the closing " of the string is missing`],
    ["[log]\nfile = 'a.log\n", `proxy.toml:2:14: invalid TOML: the closing ' of the string is missing`],
  ];
  for (const [source, message] of cases) assert.deepEqual(problemsOf(source), [message]);
});

Deno.test("parseConfig() says where a table belongs that stands at the top level", () => {
  for (const table of ["timeouts", "limits", "client-auth"]) {
    const [problem] = problemsOf(`[${table}]\n${SHORT}`);
    assert.equal(problem, `proxy.toml:1:1: ${table}: unknown key, did you mean [listener.${table}]?`);
  }
});

Deno.test("parseConfig() says nothing of a name that nobody wrote, where two listeners have one address", () => {
  assert.deepEqual(problemsOf(`${SHORT}\n${OTHER}`), [
    'proxy.toml:8:1: listener.listen: found "[::]:8443", listener "[::]:8443" has this address',
  ]);
});

Deno.test({
  name: `parseConfig() says what was done where a file is no valid TOML${
    ORIGINAL_STD ? " [smol-toml's positions and words]" : ""
  }`,
  ignore: ORIGINAL_STD,
  fn: saysWhatWasDone,
});

function saysWhatWasDone(): void {
  const cases: [string, string][] = [
    ["workers = auto", '1:11: invalid TOML: a text must be in quotes: workers = "auto"'],
    ["[[listener]]\nlisten = :8443 # all", '2:10: invalid TOML: a text must be in quotes: listen = ":8443"'],
    ["workers = “auto”", '1:11: invalid TOML: found “, a string has straight quotes: "…"'],
    ["[log]\naccess = yes", "2:10: invalid TOML: found yes, did you mean true?"],
    ["workers =", "1:10: invalid TOML: the value is missing"],
    ['[[listener]]\nlisten ":8443"', '2:8: invalid TOML: a key and its value need = between them: listen = ":8443"'],
    ["[[listener]\n", "1:12: invalid TOML: the closing ]] is missing: [[listener]]"],
    ["[log\n", "1:5: invalid TOML: the closing ] is missing: [log]"],
    [
      '[[listener]]\nbackend = "unix:a", "unix:b"',
      '2:19: invalid TOML: several values are a list: backend = ["unix:a", "unix:b"]',
    ],
    ['[log]\nlevel = "info" format = "text"', "2:16: invalid TOML: each key must be on a line of its own"],
    ['[log]\nlevel = "info";', "2:15: invalid TOML: found ; behind the value: a line has no end but its own"],
    ["workers = 1\nworkers = 2", "2:1: invalid TOML: workers stands here a second time, it is on line 1 already"],
    ["[log]\n[admin]\n[log]\n", "3:2: invalid TOML: [log] stands here a second time, it is on line 1 already"],
    [
      "[listener.timeouts]\n[[listener]]\n",
      "2:3: invalid TOML: [[listener]] must stand above [listener.timeouts] (line 1)",
    ],
    ["// a comment", "1:1: invalid TOML: a comment begins with #"],
    [
      'workers = "\\d"',
      "1:13: invalid TOML: a backslash begins an escape: write two, or put the text in single quotes",
    ],
    [
      '[[listener]]\nlisten = [":1" ":2"]',
      "2:16: invalid TOML: a comma, or the closing bracket, is missing before this",
    ],
    ["[log]\rlevel = 1", "1:6: invalid TOML: its lines end by CR alone, must end by LF or CRLF"],
    ["w\0o\0", "1:1: invalid TOML: there are NUL characters in it: save it as UTF-8, not UTF-16"],
    [
      "-----BEGIN CERTIFICATE-----\n",
      '1:12: invalid TOML: this is a PEM file, must be TOML: [[listener]] on a line of its own, then listen = ":8443"',
    ],
  ];
  for (const [source, message] of cases) assert.deepEqual(problemsOf(source), [`proxy.toml:${message}`]);
}

Deno.test("parseConfig() says one thing of one mistake", () => {
  const cases: [string, string, string][] = [
    ["[[listener]]", "[[listeners]]", '1:1: listeners: unknown key, did you mean "listener"?'],
    ["listen = ", "listens = ", '2:1: listener.listens: unknown key, did you mean "listen"?'],
    ["listen = ", "bind = ", '2:1: listener.bind: unknown key, did you mean "listen"?'],
    ["backend = ", "backends = ", '3:1: listener.backends: unknown key, did you mean "backend"?'],
    ["cert = ", "certificate = ", '4:1: listener.certificate: unknown key, did you mean "cert"?'],
    ["key = ", "private_key = ", '5:1: listener.private_key: unknown key, did you mean "key"?'],
    ["[[listener]]", "", "2:1: listen: belongs to a listener: must stand below a line [[listener]]"],
    ["[[listener]]", "[listener]", "1:1: listener: found a table, must be an array of tables: [[listener]]"],
    [
      '"unix:app.sock"',
      '"unix:a.sock, unix:b.sock"',
      '3:1: listener.backend: found "unix:a.sock, unix:b.sock", several addresses are a list: ' +
      '["unix:a.sock", "unix:b.sock"]',
    ],
  ];
  for (const [right, wrong, message] of cases) {
    assert.deepEqual(problemsOf(SHORT.replace(right, wrong)), [`proxy.toml:${message}`]);
  }
  const added: [string, string][] = [
    ['[listener.timeouts]\nidle = "30 sec"', 'did you mean "30s"?'],
    ['alpn = ["http2"]', 'found "http2", the protocol\'s name is "h2"'],
    ['alpn = ["HTTP/1.1"]', 'found "HTTP/1.1", the protocol\'s name is "http/1.1"'],
    ["min-version = 1.2", 'found 1.2, must be in quotes: "1.2"'],
    ['acme = "example.org"', ': ["example.org"]'],
  ];
  for (const [line, message] of added) {
    const [problem, ...others] = problemsOf(`${SHORT}${line}\n`);
    assert.ok(problem.endsWith(message), problem);
    assert.deepEqual(others, []);
  }
});
