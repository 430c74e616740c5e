import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { exchange } from "../support/exchange.ts";
import { programCommand } from "../support/proxies/program.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxies/proxy.ts";
import { programRuntime } from "../support/proxies/runtimes.ts";
import { until } from "../support/wait.ts";

const NAME = "DENO_TOKIO_MAX_IO_EVENTS_PER_TICK";
/** Numbers of epoll_wait and epoll_pwait on x86-64, and of epoll_pwait on arm64 (syscalls(2)). */
const EPOLL_WAIT = ["232", "281", "22"];
const isDeno = await programRuntime() === "deno";

/** How many events at a time each thread of a process waits for that waits for any (proc_pid_syscall(5)). */
function eventsAtATime(pid: number): number[] {
  const calls = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/syscall`).split(" ")
  );
  return calls.filter(([call]) => EPOLL_WAIT.includes(call)).map(([, , , events]) => Number(events)).sort((a, b) =>
    a - b
  );
}

async function withProxy(options: ProxyOptions, use: (proxy: Proxy) => Promise<void>): Promise<void> {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, options);
  await use(proxy);
}

async function echoed(proxy: Proxy): Promise<void> {
  const sent = new Uint8Array(5_000).fill(7);
  assert.deepEqual(await exchange(await proxy.connect(), sent), sent);
}

Deno.test({
  name: "a single worker takes few sockets' events at a time, without a thread of its own",
  ignore: !isDeno || Deno.env.has("TLS_OFF_BIN"),
  fn: () =>
    withProxy({}, async (proxy) => {
      await echoed(proxy);
      await until(() => eventsAtATime(proxy.program.pid).join() === "64", "the main thread waits for 64 events");
    }),
});

// Without the environment that its task sets.
const words = programCommand().filter((word) => word !== "env" && !word.startsWith(`${NAME}=`));
const command = ["env", "-u", NAME, ...words];

for (const workers of [1, 2]) {
  Deno.test({
    name: `few sockets' events at a time without a word of the environment, also after a reload, ${workers} workers`,
    ignore: !isDeno,
    fn: () =>
      withProxy({ command, config: { workers } }, async (proxy) => {
        const expected = [...Array(workers).fill(64), 1024].join();
        for (let round = 1; round <= 2; round++) {
          await echoed(proxy);
          await until(
            () => eventsAtATime(proxy.program.pid).join() === expected,
            `threads wait for ${expected} events`,
          );
          proxy.program.signal("SIGHUP");
          await until(
            () => proxy.program.records.filter(({ event }) => event === "reload").length === round,
            "reloaded",
          );
        }
      }),
  });
}
