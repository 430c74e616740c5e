/** What the ten applications of tests/e2e/routes_test.ts leave out, since their clients come from npm. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { Postgres, postgresPrograms } from "../support/applications/postgres.ts";
import { findPsql, runPsql } from "../support/applications/psql.ts";
import { WebApps } from "../support/applications/web_apps.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { sClient } from "../support/peers/s_client.ts";
import { until } from "../support/wait.ts";

/**
 * TLS from the first byte on, as libpq's sslnegotiation=direct: the server's name and the protocol are in the hello.
 */
const PG = `
import pg from "npm:pg@8.23.1";
const client = new pg.Client({
  host: "127.0.0.1", port: Number(Deno.args[0]), user: "postgres", database: "postgres",
  sslnegotiation: "direct", ssl: { rejectUnauthorized: false, servername: Deno.args[1] },
});
await client.connect();
const { rows } = await client.query("select repeat('x', 100000) as long, 6 * 7 as answer");
await client.end();
console.log(rows[0].long.length, rows[0].answer);
`;

const GRPC = `
import { Buffer } from "node:buffer";
import grpc from "npm:@grpc/grpc-js@1.14.7";
const credentials = grpc.credentials.createSsl(Buffer.from(Deno.readTextFileSync(Deno.args[2])));
const client = new grpc.Client("127.0.0.1:" + Deno.args[0], credentials, {
  "grpc.ssl_target_name_override": Deno.args[1], "grpc.default_authority": Deno.args[1],
});
const same = (bytes) => bytes;
client.makeUnaryRequest("/Echo/Say", same, same, Buffer.from("a message"), (error, answer) => {
  console.log(error ? error.message : answer.toString());
  client.close();
});
`;

for (const runtime of ["deno", "bun"] as const) {
  Deno.test({
    name: `PostgreSQL's and gRPC's own clients reach their applications among others on ${runtime}`,
    ignore: postgresPrograms() === null || Deno.uid() !== 0,
    async fn() {
      using dir = new TempDir();
      await using postgres = await Postgres.start();
      await using apps = await WebApps.start(dir.path);
      await using other = new Backend(dir.file("other.sock"), echo);
      await using proxy = await Proxy.start(dir, [], {
        command: await runtimeCommand(runtime),
        config: { workers: 2 },
        listener: {
          alpn: ["h2", "postgresql"],
          engine: "node",
          route: [
            { name: "db", "server-name": "localhost", alpn: ["postgresql"], backend: postgres.address },
            { name: "grpc", "server-name": "localhost", alpn: ["h2"], backend: apps.address("grpc") },
            { name: "other", backend: other.address },
          ],
        },
      });
      const port = String(proxy.port);
      const certificate = dir.file("ca.pem");
      await Deno.writeTextFile(certificate, proxy.cert);
      assert.equal(await run(PG, port, "localhost"), "100000 42");
      assert.equal(await run(GRPC, port, "localhost", certificate), "a message");
      assert.ok((await sClient(proxy.port, "-servername", "elsewhere.test")).echoed);
      const records = () => proxy.program.connections();
      await until(() => records().length >= 3, "every connection has its record");
      const seen = records().map(({ route, alpn }) => `${route} ${alpn}`);
      assert.deepEqual(new Set(seen), new Set(["db postgresql", "grpc h2", "other undefined"]));
    },
  });
}

const psql = findPsql();
for (const runtime of ["deno", "bun"] as const) {
  for (const engine of ["native", "node"] as const) {
    const name = `psql reaches its server by the protocol, among others: ${engine} on ${runtime}`;
    if (psql === null) {
      const needed = "[needs psql of PostgreSQL 17 or newer: on the PATH, or named by TLS_OFF_PSQL]";
      Deno.test({ name: `${name} ${needed}`, ignore: true, fn: () => {} });
      continue;
    }
    Deno.test({
      name,
      ignore: postgresPrograms() === null || Deno.uid() !== 0,
      async fn() {
        using dir = new TempDir();
        await using postgres = await Postgres.start();
        await using other = new Backend(dir.file("other.sock"), echo);
        const protocol = { alpn: ["postgresql"] };
        // Native engines find routes by the protocol alone.
        const route = engine === "native" ? [{ name: "socket", ...protocol, backend: postgres.address }] : [
          { name: "socket", "server-name": "localhost", ...protocol, backend: postgres.address },
          { name: "port", "server-name": "db.test", ...protocol, backend: postgres.tcpAddress },
        ];
        await using proxy = await Proxy.start(dir, other.address, {
          command: await runtimeCommand(runtime),
          config: { workers: 2 },
          listener: { alpn: ["postgresql"], engine, route },
        });
        for (const { name } of route) {
          const host = name === "socket" ? "localhost" : "db.test";
          const server = `host=${host} hostaddr=127.0.0.1 port=${proxy.port} user=postgres dbname=postgres`;
          await usePsql((script) => runPsql(psql, `${server} sslmode=require sslnegotiation=direct`, script));
          const seen = () => proxy.program.connections().filter(({ route }) => route === name);
          await until(() => seen().length === 2, "every connection has its record");
          for (const { alpn, reason } of seen()) assert.deepEqual([alpn, reason], ["postgresql", "client-closed"]);
        }
        assert.ok((await sClient(proxy.port, "-servername", "localhost")).echoed);
      },
    });
  }
}

/** A long answer, and many rows both ways. */
async function usePsql(run: (script: string) => ReturnType<typeof runPsql>): Promise<void> {
  const long = await run("select repeat('x', 1000000), 6 * 7;");
  assert.equal(long.text, `${"x".repeat(1_000_000)}|42\n`, long.errors);
  const rows = Array.from({ length: 200_000 }, (_, row) => `${row}\n`).join("");
  const copied = await run(
    `create temp table t (n int);\n\\copy t from stdin\n${rows}\\.\nselect sum(n) from t;\n\\copy t to stdout\n`,
  );
  assert.ok(copied.text === `19999900000\n${rows}`, copied.errors);
}

/** Runs a client's program with packages of npm, beside the project's own lock file. */
async function run(program: string, ...args: string[]): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".mjs" });
  try {
    await Deno.writeTextFile(file, program);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-lock", "--quiet", file, ...args],
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(120_000),
    }).output();
    const decoder = new TextDecoder();
    return decoder.decode(stdout).trim() || decoder.decode(stderr).trim();
  } finally {
    await Deno.remove(file);
  }
}
