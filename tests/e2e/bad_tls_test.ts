/** What is wrong with a listener's TLS is said before anything is bound: a line for each problem, and exit code 1. */
import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { runProgram } from "../support/proxies/program.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";

type Table = Record<string, unknown>;

const CASES: [string, Table | Table[], RegExp[]][] = [
  [
    "a CA file that is none",
    { "client-auth": { mode: "required", ca: "key.pem" } },
    [/Cannot load CA certificates ".*key\.pem": no certificate in it: it holds a private key/],
  ],
  [
    "a CA file that is not there",
    { "client-auth": { mode: "required", ca: "none.pem" } },
    [/Cannot load CA certificates ".*none\.pem": file not found/],
  ],
  [
    "names that the certificate has not",
    { certificates: [{ cert: "cert.pem", key: "key.pem", names: ["other.example"] }] },
    [/Name "other\.example" is not in the certificate ".*cert\.pem": it has "localhost"/],
  ],
  [
    "two listeners with one address",
    [{ name: "a" }, { name: "b" }],
    [/listener\.listen: found "127\.0\.0\.1:24399", listener "a" has this address/],
  ],
  [
    "a lowest version above the highest",
    { "min-version": "1.3", "max-version": "1.2" },
    [/listener\.min-version: found "1\.3", must not be above max-version \("1\.2"\)/],
  ],
  [
    "options that a forced engine cannot do, each of them",
    { engine: "native", "sni-strict": true, "accept-proxy": ["10.0.0.0/8"] },
    [
      /engine = "native" cannot do sni-strict = true: .*; use engine = "node"/,
      /engine = "native" cannot do accept-proxy/,
    ],
  ],
];

Deno.test("program says where each problem stands, those of certificates beside those of the configuration", async () => {
  using dir = new TempDir();
  const { cert, key } = await testCertificate();
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
  const pair = (cert: string, key: string) => `cert = "${cert}"\nkey = "${key}"\n`;
  const listeners = [
    `listen = "127.0.0.1:1"\n${pair("none.pem", "key.pem")}`,
    `listen = "127.0.0.1:2"\n${
      pair("cert.pem", "none.key")
    }certificates = [\n  { cert = "cert.pem", key = "cert.pem" },\n]\n`,
  ].map((text) => `[[listener]]\nbackend = "unix:app.sock"\n${text}`);
  const problems = [
    /:4:1: listener "127\.0\.0\.1:1": Cannot load certificate ".*none\.pem": file not found/,
    /:10:1: listener "127\.0\.0\.1:2": Cannot load private key ".*none\.key": file not found/,
    /:12:24: listener "127\.0\.0\.1:2": Cannot load private key ".*cert\.pem": no private key in it/,
  ];
  for (const wrong of ["", "[log]\nlevel = 0\n"]) {
    Deno.writeTextFileSync(dir.file("bad.toml"), `${listeners.join("")}${wrong}`);
    const { code, complaints } = await runProgram(["check", dir.file("bad.toml")]);
    assert.equal(code, 1);
    const expected = wrong ? [/:15:1: log\.level: found 0/, ...problems] : problems;
    assert.equal(complaints.length, expected.length, complaints.join("\n"));
    complaints.forEach((line, index) => assert.match(line, expected[index]));
  }
});

for (const [what, listener, expected] of CASES) {
  Deno.test(`program refuses ${what}`, async () => {
    using dir = new TempDir();
    const { cert, key } = await testCertificate();
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
    const defaults = { listen: "127.0.0.1:24399", backend: "unix:app.sock", cert: "cert.pem", key: "key.pem" };
    const tables = [listener].flat().map((table) => ({ ...defaults, ...table }));
    Deno.writeTextFileSync(dir.file("bad.toml"), stringify({ listener: tables }));
    for (const command of ["run", "check"]) {
      const { code, complaints, records } = await runProgram([command, dir.file("bad.toml")]);
      assert.equal(code, 1);
      assert.equal(complaints.length, expected.length, complaints.join("\n"));
      complaints.forEach((line, index) => {
        assert.match(line, expected[index]);
        assert.ok(line.startsWith(dir.file("bad.toml")), line);
      });
      assert.deepEqual(records, []);
    }
  });
}
