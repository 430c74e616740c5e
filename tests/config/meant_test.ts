/** What is said of configurations that are written as for another program. */
import assert from "node:assert/strict";
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
