/** What a thousand routes with a certificate each cost: to check them, and for each new connection. */
import assert from "node:assert/strict";
import tls from "node:tls";
import { stringify } from "@std/toml";
import { cpuMicros } from "../../bench/measure/processes.ts";
import { median } from "../../bench/figures/stats.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { Backend, writeAll } from "../support/applications/backend.ts";
import { runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { programCommand } from "../support/proxies/program.ts";
import { until } from "../support/wait.ts";

const COUNT = 1000;
/** Connections in a row to the one proxy, before it is the other's turn. */
const IN_A_ROW = 100;
const ROUNDS = 16;

const nameOf = (index: number) => `app${index}.example`;

async function writeCertificates(dir: TempDir): Promise<{ cert: string; key: string }[]> {
  return await Promise.all(Array.from({ length: COUNT }, async (_, index) => {
    const { cert, key } = await makeSelfSigned({ hosts: [nameOf(index)] });
    const files = { cert: dir.file(`${index}.pem`), key: dir.file(`${index}-key.pem`) };
    Deno.writeTextFileSync(files.cert, cert);
    Deno.writeTextFileSync(files.key, key, { mode: 0o600 });
    return files;
  }));
}

Deno.test("a thousand routes with a certificate each are checked, and a connection costs what it does with one", async () => {
  using dir = new TempDir();
  using single = new TempDir();
  const certificates = await writeCertificates(dir);
  await using app = new Backend(dir.file("app.sock"), (conn) => writeAll(conn, new TextEncoder().encode("app")));
  const routes = certificates.map((_, index) => ({ "server-name": nameOf(index), backend: app.address }));

  const file = dir.file("many.toml");
  const listener = [{ listen: "127.0.0.1:0", certificates, route: routes }];
  Deno.writeTextFileSync(file, stringify({ listener }));
  // `times` prints user and system time of the shell, and of what it has run.
  const [command, ...args] = [...programCommand(), "check", file];
  const check = await runPeer("sh", ["-c", '"$@" >&2; echo $?; times', "sh", command, ...args]);
  const [code, , children] = check.text.trim().split("\n");
  assert.equal(code, "0", check.errors);
  assert.match(check.errors, /app999\.example/);
  console.log(`check of ${COUNT} routes and certificates: CPU ${children} (user, system)`);

  const unset = { cert: undefined, key: undefined };
  await using many = await Proxy.start(dir, [], { listener: { ...unset, certificates, route: routes } });
  await using one = await Proxy.start(single, [], {
    listener: { ...unset, certificates: [certificates[COUNT - 1]], route: [routes[COUNT - 1]] },
  });
  const costs = { many: [] as number[], one: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, proxy] of Object.entries({ many, one }) as [keyof typeof costs, Proxy][]) {
      const before = cpuMicros([proxy.program.pid]);
      for (let index = 0; index < IN_A_ROW; index++) assert.equal(await visit(proxy.port), "app");
      // The first round warms up.
      if (round > 0) costs[name].push((cpuMicros([proxy.program.pid]) - before) / IN_A_ROW);
    }
  }
  const [ofMany, ofOne] = [median(costs.many), median(costs.one)];
  const ratio = median(costs.many.map((cost, round) => cost / costs.one[round]));
  console.log(
    `CPU µs of a new connection: ${ofMany.toFixed(0)} with ${COUNT} routes, ${ofOne.toFixed(0)} with one,` +
      ` ratio ${ratio.toFixed(3)}`,
  );
  // A look at each route in turn would cost several times this.
  assert.ok(ratio < 1.5, `${ratio}`);
  await until(() => many.program.connections().length >= ROUNDS * IN_A_ROW, "every connection has its record");
  const seen = new Set(many.program.connections().map(({ route }) => route));
  assert.deepEqual(seen, new Set([nameOf(COUNT - 1)]));
});

/** Connects to the last route, and returns what its application says. */
function visit(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const servername = nameOf(COUNT - 1);
    const socket = tls.connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
    socket.on("data", (chunk) => text += chunk);
    socket.on("end", () => socket.end(() => resolve(text)));
    socket.on("error", reject);
  });
}
