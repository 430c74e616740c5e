import assert from "node:assert/strict";
import { parseStatus } from "../../bench/backends/files.ts";
import { readStartTask, tlsOff } from "../../bench/contenders/tls_off.ts";
import { parseCpuList, planCpus } from "../../bench/lab/cpus.ts";
import { countMarks } from "../../bench/load/connections.ts";
import { parseLoadResult } from "../../bench/load/load_result.ts";
import { parseParents, parseStatusKb } from "../../bench/measure/proc_files.ts";
import { articleConnections } from "../../bench/experiments/article.ts";
import { parseOpensslSpeed } from "../../bench/measure/crypto.ts";
import { QUICK } from "../../bench/settings.ts";
import { parseOptions } from "../../bench/options.ts";
import { describeMissing, isOlder } from "../../bench/lab/tools.ts";
import type { Config } from "../../src/config/config.ts";
import { parseConfig } from "../../src/config/load.ts";

const RESULT = `Running 2s test @ https://127.0.0.1:18443/
  50 requests in 2.10s
RESULT {"requests":50,"durationMs":2102.051,"bytes":31874,"meanUs":511.23,"stdevUs":264.1,"p50Us":483,"p90Us":545,"p99Us":1168,"errors":0}
`;

Deno.test("parseLoadResult() finds the result among what else wrk prints", () => {
  const result = parseLoadResult(RESULT);
  assert.equal(result.requests, 50);
  assert.equal(result.p99Us, 1168);
});

Deno.test("parseLoadResult() quotes what the generator said when it failed", () => {
  assert.throws(
    () => parseLoadResult("unable to connect to 127.0.0.1:1 Connection refused"),
    /Cannot read the load generator's result: "unable to connect/,
  );
});

Deno.test("parseLoadResult() names a missing figure", () => {
  assert.throws(() => parseLoadResult(RESULT.replace('"p90Us":545,', "")), /no "p90Us"/);
});

Deno.test("parseStatus() takes the third counter of stub_status, and the active connections", () => {
  const status = "Active connections: 7 \nserver accepts handled requests\n 16 17 31070 \nReading: 0 Writing: 1\n";
  assert.deepEqual(parseStatus(status), { requests: 31070, connections: 7 });
  assert.throws(() => parseStatus("<html>404</html>"), SyntaxError);
});

Deno.test("countMarks() tells full handshakes from resumed ones", () => {
  const output = "Collecting connection statistics for 2 seconds\n***r*r\n\n6 connections in 0.01s\n";
  assert.deepEqual(countMarks(output), { full: 4, resumed: 2 });
  assert.deepEqual(countMarks("\n\nNow timing with session id reuse.\nrrr"), { full: 0, resumed: 3 });
  assert.deepEqual(countMarks("ERROR\nno connection\n"), { full: 0, resumed: 0 });
});

Deno.test("parseParents() is not misled by parentheses in a process's name", () => {
  const stat = "7 (a) R 1 (b)) S 3 7 7 0\n8 (nginx) R 7 8 8 0\n";
  assert.deepEqual([...parseParents(stat)], [[7, 3], [8, 7]]);
});

Deno.test("parseStatusKb() sums a field over processes", () => {
  assert.equal(parseStatusKb("VmPeak:\t  99 kB\nVmRSS:\t    10 kB\nName:\tx\nVmRSS:\t 5 kB\n", "VmRSS"), 15);
});

Deno.test("parseCpuList() reads ranges and single CPUs", () => {
  assert.deepEqual(parseCpuList(" 0,2-4,7\n"), [0, 2, 3, 4, 7]);
});

Deno.test("parseOpensslSpeed() reads bytes and operations per second", () => {
  const output = `+H:16384
+F:25:AES-256-GCM:4742456371.72
+F2:2:2048:4194.949495:66590.816327
+F4:3:256:64169.696970:21588.000000
+F5:22:253:38407.070707:0.000026
`;
  const speed = parseOpensslSpeed(output);
  assert.equal(speed.aesBytesPerSecond, 4742456371.72);
  assert.deepEqual([speed.rsaSignUs, speed.ecdsaSignUs, speed.x25519Us].map(Math.round), [238, 16, 26]);
  assert.ok(Number.isNaN(parseOpensslSpeed("").x25519Us));
});

Deno.test("describeMissing() names what is left out, and one line that installs it all", () => {
  const needs = [
    { command: "hitch", packages: ["hitch"], without: "hitch is left out" },
    { command: "nginx", packages: ["nginx", "libnginx-mod-stream"], without: "nginx is left out" },
    { command: "wrk", packages: ["wrk"], without: "slower" },
    { command: "bun", packages: [], without: "Bun is left out" },
  ];
  assert.deepEqual(describeMissing(needs, (command) => command === "wrk"), [
    "Missing hitch: hitch is left out",
    "Missing nginx: nginx is left out",
    "Missing bun: Bun is left out",
    "To measure everything: sudo apt-get install hitch nginx libnginx-mod-stream",
  ]);
  assert.deepEqual(describeMissing(needs, () => true), []);
});

Deno.test("isOlder() looks at every file below the sources", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${folder}/src/deep`, { recursive: true });
    for (const name of ["made", "src/a.ts", "src/deep/b.ts"]) {
      Deno.writeTextFileSync(`${folder}/${name}`, "");
      Deno.utimeSync(`${folder}/${name}`, 1000, 1000);
    }
    assert.equal(isOlder(`${folder}/made`, `${folder}/src`), false);
    Deno.utimeSync(`${folder}/src/deep/b.ts`, 2000, 2000);
    assert.equal(isOlder(`${folder}/made`, `${folder}/src`), true);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("articleConnections() keeps within descriptors and memory", () => {
  assert.equal(articleConnections(3000, 10, 9900), 3000);
  assert.equal(articleConnections(3000, 10, 412), 412);
  assert.equal(articleConnections(3000, 1_000_000, 9900), 1000);
});

Deno.test("planCpus() gives the proxy a CPU of its own, and pins nothing where there is one only", () => {
  const two = planCpus([0, 1], true);
  assert.deepEqual([two.proxy, two.load, two.backend, two.pinned], ["0", "1", "1", true]);
  const four = planCpus([0, 1, 2, 3], true);
  assert.deepEqual([four.proxy, four.load, four.backend], ["0", "3", "1,2"]);
  assert.equal(planCpus([0], true).pinned, false);
  assert.equal(planCpus([0, 1], false).pinned, false);
});

Deno.test("readStartTask() takes the program's permissions and environment from the start task", () => {
  const json = (start: string) => JSON.stringify({ tasks: { start } });
  const args = ["run", "--allow-net", "src/main.ts"];
  assert.deepEqual(readStartTask(json("deno run --allow-net  src/main.ts"), "."), { env: {}, args });
  assert.deepEqual(readStartTask(json("A=1 B= deno run --allow-net src/main.ts"), "."), {
    env: { A: "1", B: "" },
    args,
  });
  assert.throws(() => readStartTask(json("exec deno run src/main.ts"), "."), /must be a plain/);
  assert.throws(
    () => readStartTask(json("deno run src/main.ts && rm x"), "."),
    /must be a plain "\[NAME=value …\] deno run/,
  );
  assert.throws(() => readStartTask(json("node x.js"), "."), /Cannot start tls-off/);
  assert.throws(() => readStartTask("{}", "there"), /tls-off of there/);
});

Deno.test("tlsOff() refuses a name that says nothing it knows", () => {
  assert.throws(() => tlsOff("tls-off:perl", "."), /Cannot bench contender "tls-off:perl"/);
  assert.throws(() => tlsOff("tls-off+speed", "."), /Cannot bench contender "tls-off\+speed"/);
  assert.throws(() => tlsOff("tls-off+toString", "."), /Cannot bench contender/);
});

const SETUP = {
  ...{ port: 5, backend: "/s", moreBackends: ["/t"], folder: "/f", connections: 1, workers: 1 },
  certificate: { ca: "ca", cert: "cert", key: "key", combined: "both" },
};

async function configOf(name: string): Promise<{ command: string; args: string[]; config: Config }> {
  const { command, args, files } = await tlsOff(name, ".").launch(SETUP);
  return { command, args, config: parseConfig(files!["tls-off.toml"], "/f/tls-off.toml", {}, "/").config! };
}

Deno.test("tlsOff() passes the engine on", async () => {
  const { command, args, config: { listeners: [listener], workers, log, admin } } = await configOf(
    "tls-off:bun-node@/dir",
  );
  assert.equal(command, "bun");
  assert.deepEqual(args, ["--smol", "/dir/dist/tls-off.mjs", "run", "/f/tls-off.toml"]);
  assert.deepEqual([listener.engine, workers, log.level, admin.listen], ["node", 1, "error", null]);
  assert.deepEqual(listener.backend.map(({ to }) => to.transport === "unix" && to.path), ["/s", "/t"]);
});

Deno.test("tlsOff() turns on what the name says", async () => {
  const { config: { log, admin, workers } } = await configOf("tls-off+metrics+access+workers2");
  assert.deepEqual([log.level, log.file, workers], ["info", "/f/access.log", 2]);
  assert.deepEqual(admin.listen, { transport: "unix", path: "/f/admin.sock" });
  const { config: { listeners: [listener] } } = await configOf("tls-off+proxy");
  assert.deepEqual([listener.proxyProtocol, listener.backend[0].to], ["v2", { transport: "unix", path: "/s-proxy" }]);
  assert.equal((await configOf("tls-off+journal")).config.log.format, "journald");
  assert.deepEqual(["tls-off", "tls-off:bun", "tls-off+metrics"].map((name) => tlsOff(name, ".").kind), [
    ...["ours", "ours", "variant"],
  ]);
});

Deno.test("parseOptions() lets single options change the mode's settings", () => {
  const { settings, only, contenders } = parseOptions([
    ...["--only", "memory,handshakes", "--sizes", "1_000,10", "--rounds", "9", "--contenders", "hitch, nginx"],
  ]);
  assert.deepEqual(settings.sizes, [10, 1000]);
  assert.equal(settings.rounds, 9);
  assert.deepEqual(only, ["memory", "handshakes"]);
  assert.deepEqual(contenders, ["hitch", "nginx"]);
  assert.deepEqual(parseOptions(["--full", "--apps", "bun,node"]).settings.article.runtimes, ["bun", "node"]);
  assert.throws(() => parseOptions(["--apps", "perl"]), /Cannot run --apps "perl": expected node, deno, bun/);
});

Deno.test("parseOptions() takes the first of several connections for all parts, the others where they are compared", () => {
  const { settings } = parseOptions(["--connections", "50,1,2000"]);
  assert.deepEqual([settings.connections, settings.connectionCounts], [50, [1, 2000]]);
  assert.deepEqual(parseOptions(["--connections", "50"]).settings.connectionCounts, QUICK.connectionCounts);
});

Deno.test("parseOptions() lets a run that goes on be nothing but longer", () => {
  const { resume, minutes } = parseOptions(["--resume", "dir", "--minutes", "4"]);
  assert.deepEqual([resume, minutes], ["dir", 4]);
  assert.throws(() => parseOptions(["--resume", "dir", "--rounds=3"]), /Cannot take --rounds=3 with --resume/);
});

Deno.test("parseOptions() says what is allowed", () => {
  assert.throws(() => parseOptions(["--only", "peer"]), /Cannot run --only "peer": expected article, peers/);
  assert.throws(() => parseOptions(["--rounds", "0"]), /Cannot read --rounds "0": expected a whole number from 1/);
  assert.throws(() => parseOptions(["--sizes", "10,ten"]), /--sizes "ten"/);
  assert.throws(() => parseOptions(["--quick", "--full"]), /Cannot be both/);
});
