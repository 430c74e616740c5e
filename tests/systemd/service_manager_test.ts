import assert from "node:assert/strict";
import { activation } from "../support/peers/activate.ts";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { NotifySocket } from "../support/proxies/notify_socket.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { stays, until } from "../support/wait.ts";

for (const kind of ["a path", "an abstract name"]) {
  Deno.test(`service manager at ${kind} hears of readiness, reloads, the drain and the watchdog`, async () => {
    using dir = new TempDir();
    const path = kind === "a path" ? dir.file("notify.sock") : `\0tls-off-test-${crypto.randomUUID()}`;
    using manager = new NotifySocket(path);
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, {
      config: { workers: 2 },
      env: { NOTIFY_SOCKET: path.replace("\0", "@"), WATCHDOG_USEC: "1000000" },
    });
    assert.match(await manager.heard("READY=1"), /STATUS=serving 127\.0\.0\.1:\d+ with 2 workers/);
    await manager.heard("WATCHDOG=1");
    await proxy.reload();
    // CLOCK_MONOTONIC counts from the boot, as /proc/uptime does.
    const [, usec] = /MONOTONIC_USEC=(\d+)/.exec(await manager.heard("RELOADING=1"))!;
    const uptime = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
    assert.ok(Math.abs(Number(usec) / 1e6 - uptime) < 30, `${usec} µs, up for ${uptime} s`);
    await until(() => manager.messages.filter((message) => message.includes("READY=1")).length === 2, "ready again");
    proxy.program.signal("SIGTERM");
    await manager.heard("STOPPING=1");
    assert.equal(await proxy.program.exit(), 0);
  });
}

Deno.test("service manager's watchdog that means another process is not fed", async () => {
  using dir = new TempDir();
  using manager = new NotifySocket(dir.file("notify.sock"));
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    env: { NOTIFY_SOCKET: dir.file("notify.sock"), WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" },
  });
  await manager.heard("READY=1");
  // It takes longer than the watchdog would wait.
  await proxy.reload();
  proxy.program.signal("SIGTERM");
  await manager.heard("STOPPING=1");
  assert.ok(!manager.messages.some((message) => message.includes("WATCHDOG")));
});

/**
 * Stops one thread of a process, as nothing from outside but a debugger can, until its standard input ends (ptrace(2)).
 */
const STOP_THREAD = `
  my ($call, $thread) = map { $_ + 0 } @ARGV;
  syscall($call, 16, $thread, 0, 0) == 0 or die "cannot attach: $!";
  waitpid($thread, 0x40000000);
  <STDIN>;
  syscall($call, 17, $thread, 0, 0);`;

Deno.test({
  name: "service manager's watchdog is not fed while one of two workers hangs (root, perl)",
  ignore: Deno.uid() !== 0,
  async fn() {
    using dir = new TempDir();
    using manager = new NotifySocket(dir.file("notify.sock"));
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, {
      config: { workers: 2 },
      env: { NOTIFY_SOCKET: dir.file("notify.sock"), WATCHDOG_USEC: "600000" },
    });
    const fed = () => manager.messages.filter((message) => message.includes("WATCHDOG=1")).length;
    await until(() => fed() >= 2, "it is fed");
    const threads = `/proc/${proxy.program.pid}/task`;
    // Deno's name of them, and Bun's.
    const worker = [...Deno.readDirSync(threads)].find(({ name }) =>
      /^(worker-\d+|Worker)$/.test(Deno.readTextFileSync(`${threads}/${name}/comm`).trim())
    );
    assert.ok(worker, "no thread of a worker");
    const call = Deno.build.arch === "aarch64" ? "117" : "101";
    const debug = new Deno.Command("perl", { args: ["-e", STOP_THREAD, call, worker.name], stdin: "piped" }).spawn();
    await proxy.program.record(({ event }) => event === "watchdog");
    const before = fed();
    await stays(() => fed() === before, "it is not fed, in three of its intervals", 900);
    await debug.stdin.close();
    assert.ok((await debug.status).success);
    await until(() => fed() > before + 1, "it is fed again");
  },
});

Deno.test("socket activation serves on the inherited socket, over reloads, with all workers", async () => {
  using dir = new TempDir();
  const { port, prefix } = activation();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2 },
    listener: { listen: `127.0.0.1:${port}` },
    prefix,
  });
  const once = async () => {
    const client = await proxy.connect();
    await client.write(Uint8Array.of(7));
    assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
    client.close();
  };
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 5; count++) await once();
    assert.equal((await proxy.reload()).event, "reload");
  }
  await once();
  proxy.program.signal("SIGTERM");
  assert.equal(await proxy.program.exit(), 0);
});

Deno.test("socket activation with the native engine is refused, with the reason", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const { port, prefix } = activation();
  await assert.rejects(
    Proxy.start(dir, backend.address, {
      listener: { listen: `127.0.0.1:${port}`, engine: "native" },
      prefix,
    }),
    /cannot do socket activation: native on (Deno|Bun) cannot adopt a descriptor; use engine = \\"node\\"/,
  );
});
