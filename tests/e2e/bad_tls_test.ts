/** What is wrong with a listener's TLS is said before anything is bound: a line for each problem, and exit code 1. */
import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { runProgram } from "../support/program.ts";
import { TempDir, testCertificate } from "../support/proxy.ts";

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
