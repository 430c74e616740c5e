import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { Backend, echo, readAll, writeAll } from "../support/applications/backend.ts";
import { Program, runProgram } from "../support/proxies/program.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { makeCertificate } from "../tls/make_certificates.ts";
import { floorTest } from "../support/proxies/under_test.ts";

async function writeConfig(dir: TempDir, listener: Record<string, unknown> = {}): Promise<string> {
  const { cert, key } = await testCertificate();
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
  const file = dir.file("proxy.toml");
  const table = {
    name: "web",
    listen: "127.0.0.1:0",
    backend: "unix:app.sock",
    cert: "cert.pem",
    key: "key.pem",
    ...listener,
  };
  Deno.writeTextFileSync(file, stringify({ workers: 1, listener: [table] }));
  return file;
}

Deno.test("version names the program, its runtime and engines", async () => {
  for (const args of [["version"], ["--version"]]) {
    const { code, stdout } = await runProgram(args);
    assert.equal(code, 0);
    assert.match(stdout, /^tls-off \d+\.\d+\.\d+\nruntime \w+ .+\nengines .*native.*\npost-quantum /);
  }
});

Deno.test("every command has its help on stdout", async () => {
  for (
    const args of [["--help"], ...["run", "check", "demo", "cert", "top", "version"].map((name) => [name, "--help"])]
  ) {
    const { code, stdout, complaints } = await runProgram(args);
    assert.equal(code, 0);
    assert.match(stdout, /Usage:|usage:/);
    assert.deepEqual(complaints, []);
  }
});

Deno.test("wrong usage is one line on stderr and exit code 2", async () => {
  for (
    const [args, said] of [
      [["chekc", "x.toml"], /did you mean "check"/],
      [["run", "--lisen", ":1"], /did you mean "--listen"/],
      [[], /--help/],
      [["demo", "--port", "99999"], /--port.*65535/],
    ] as [string[], RegExp][]
  ) {
    const { code, complaints, stdout } = await runProgram(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(complaints.length, 1);
    assert.match(complaints[0], said);
    assert.equal(stdout, "");
  }
});

Deno.test("check says all that is wrong, each in one line with its place, and exits 1", async () => {
  using dir = new TempDir();
  const file = dir.file("bad.toml");
  Deno.writeTextFileSync(
    file,
    `wrokers = 2\n[[listener]]\nlisten = "80a"\nbackend = "unix:x"\ncert = "c.pem"\nkey = "k.pem"\nengine = "fast"\n`,
  );
  const { code, complaints } = await runProgram(["check", file]);
  assert.equal(code, 1);
  assert.equal(complaints.length, 5);
  assert.match(complaints[0], /bad\.toml:1:1: wrokers: .*did you mean "workers"/);
  assert.match(complaints[1], /bad\.toml:3:\d+: listener\.listen: .*"80a"/);
  assert.match(
    complaints[2],
    /bad\.toml:7:\d+: listener\.engine: found "fast", must be one of "auto", "native", "node"/,
  );
  // The certificates are looked at all the same.
  assert.match(complaints[3], /bad\.toml:5:1: listener 1: .*c\.pem/);
  assert.match(complaints[4], /bad\.toml:6:1: .*k\.pem/);
  const run = await runProgram(["run", file]);
  assert.equal(run.code, 1);
  assert.deepEqual(run.complaints, complaints);
});

floorTest("check loads every certificate and names the engine of each listener", async () => {
  using dir = new TempDir();
  const file = await writeConfig(dir);
  const { code, stdout, complaints } = await runProgram(["check", file]);
  assert.deepEqual(complaints, []);
  assert.equal(code, 0);
  assert.match(stdout, /engine +native: /);
  assert.match(stdout, /localhost/);
  Deno.writeTextFileSync(dir.file("key.pem"), "not a key");
  const broken = await runProgram(["check", file]);
  assert.equal(broken.code, 1);
  assert.match(broken.complaints[0], /key\.pem/);
});

floorTest("check warns of backends whose path is no socket, of each once, and of none that is missing", async () => {
  using dir = new TempDir();
  await using app = new Backend(dir.file("app.sock"), echo);
  Deno.writeTextFileSync(dir.file("plain"), "");
  const plain = `unix:${dir.file("plain")}`;
  const file = await writeConfig(dir, {
    backend: [app.address, "unix:missing.sock", plain],
    spare: `unix:${dir.path}`,
    route: [{ alpn: ["h2"], backend: plain }, { alpn: ["x"], backend: "unix:@name" }],
    alpn: ["h2", "x"],
  });
  const { code, complaints } = await runProgram(["check", file]);
  assert.equal(code, 0);
  assert.equal(complaints.length, 2, complaints.join("\n"));
  const refused = "and no socket: connections to it will be refused";
  assert.match(
    complaints[0],
    /^\S+:\d+:\d+: warning: listener "web": backend: found "unix:\S+plain", which is a file /,
  );
  assert.match(complaints[1], /warning: listener "web": spare: found "unix:\S+", which is a directory /);
  for (const line of complaints) assert.ok(line.endsWith(refused), line);
});

floorTest("check says which certificate of a name serves which clients", async () => {
  using dir = new TempDir();
  const { cert, key } = await makeCertificate({ dnsNames: ["localhost", "rsa.example"], key: "RSA-2048" });
  Deno.writeTextFileSync(dir.file("rsa.pem"), cert);
  Deno.writeTextFileSync(dir.file("rsa.key"), key, { mode: 0o600 });
  const file = await writeConfig(dir, { certificates: [{ cert: "rsa.pem", key: "rsa.key" }] });
  const { code, stdout, complaints } = await runProgram(["check", file]);
  assert.deepEqual([code, complaints], [0, []]);
  assert.match(stdout, /certificate +\S+\/cert\.pem: localhost, ECDSA P-256, valid until /);
  assert.match(
    stdout,
    /note +localhost: \S+\/cert\.pem \(ECDSA P-256\) for clients that can use it, else \S+\/rsa\.pem \(RSA 2048\)\n/,
  );
});

Deno.test("an address that is in use is one clear line and exit code 1", async () => {
  using dir = new TempDir();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const file = await writeConfig(dir, { listen: `127.0.0.1:${taken.addr.port}` });
  const { code, records } = await runProgram(["run", file, "--log-format", "json"]);
  taken.close();
  assert.equal(code, 1);
  const [failed] = records.filter(({ level }) => level === "error");
  assert.match(failed.msg, new RegExp(`Cannot listen on 127.0.0.1:${taken.addr.port} for listener "web": .*in use`));
});

Deno.test("flags alone run the proxy, and cert makes what they need", async () => {
  using dir = new TempDir();
  const made = await runProgram(["cert", "--out", dir.path, "--host", "localhost"]);
  assert.equal(made.code, 0);
  assert.equal(Deno.statSync(dir.file("key.pem")).mode! & 0o777, 0o600);
  const again = await runProgram(["cert", "--out", dir.path]);
  assert.equal(again.code, 1);
  assert.match(again.complaints[0], /exists/);
  await using program = new Program(
    [
      "run",
      "--listen",
      "127.0.0.1:0",
      "--backend",
      "unix:app.sock",
      "--cert",
      "cert.pem",
      "--key",
      "key.pem",
      "--log-format",
      "json",
      "--workers",
      "1",
    ],
    { cwd: dir.path },
  );
  const { address } = await program.record(({ event }) => event === "listening");
  assert.match(String(address), /^127\.0\.0\.1:\d+$/);
  program.signal("SIGTERM");
  assert.equal(await program.exit(), 0);
});

Deno.test("demo ends with its terminal (SIGHUP), and leaves nothing behind", async () => {
  using dir = new TempDir();
  await using program = new Program(["demo", "--port", "0"], { env: { TMPDIR: dir.path } });
  await program.record(({ event }) => event === "ready");
  program.signal("SIGHUP");
  assert.equal(await program.exit(), 0);
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});

Deno.test("demo echoes bodies of any size from nothing, and leaves nothing behind", async () => {
  using dir = new TempDir();
  await using program = new Program(["demo", "--port", "0"], { env: { TMPDIR: dir.path } });
  const { address } = await program.record(({ event }) => event === "listening");
  await program.record(({ event }) => event === "ready");
  assert.equal([...Deno.readDirSync(dir.path)].length, 1);
  const port = Number(String(address).split(":").at(-1));
  const [{ name }] = [...Deno.readDirSync(dir.path)];
  const caCerts = [Deno.readTextFileSync(`${dir.path}/${name}/cert.pem`)];
  for (const size of [0, 1, 1_000_000, 20_000_000]) {
    const body = patternBytes(size);
    const conn = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts });
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;
    const writing = writeAll(conn, new TextEncoder().encode(head)).then(() => writeAll(conn, body));
    const [answer] = await Promise.all([readAll(conn), writing]);
    assert.deepEqual(answer.subarray(answer.length - size), body);
    conn.close();
  }
  assert.match(program.stdout, new RegExp(`curl -k .*https://localhost:${port}/`));
  const page = /Watch it: (http:\/\/127\.0\.0\.1:\d+\/)/.exec(program.stdout)?.[1];
  assert.match(await (await fetch(page!)).text(), /<title>/);
  program.signal("SIGINT");
  assert.equal(await program.exit(), 0);
  assert.deepEqual([...Deno.readDirSync(dir.path)], []);
});
