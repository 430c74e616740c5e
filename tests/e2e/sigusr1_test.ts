/** What SIGUSR1 does, and what it must not do. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { echoed } from "../support/exchange.ts";
import { descriptorTargets } from "../support/proxies/process_status.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { QuietProxy } from "../support/proxies/quiet_proxy.ts";
import { pause, stays, until } from "../support/wait.ts";

/** State of a socket in /proc/net/tcp: TCP_LISTEN. */
const LISTENS = "0A";

/** Whether a process has a TCP socket over IPv4 that listens on a port (proc_pid_net(5)). */
function listensOn(pid: number, port: number): boolean {
  const sockets = descriptorTargets(pid);
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return Deno.readTextFileSync(`/proc/${pid}/net/tcp`).split("\n").some((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return local?.endsWith(`:${hex}`) && state === LISTENS && sockets.includes(`socket:[${inode}]`);
  });
}

/** Deno begins to listen for SIGUSR1 half a second after its start, and nothing shows that from outside. */
const DENO_HEARS_MS = 1_000;
/** Longer than the guard holds the address of the debugger. */
const GUARD_MS = 1_500;

Deno.test("SIGUSR1 opens no debugger, which Deno would do by itself", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const file = dir.file("log");
  await using proxy = await QuietProxy.start(dir, backend.address, { file });
  await pause(DENO_HEARS_MS);
  const log = () => Deno.readTextFileSync(file);
  for (let count = 1; count <= 5; count++) {
    proxy.program.signal("SIGUSR1");
    await until(() => log().split('"event":"log-reopen"').length > count, "the signal is heard");
    await echoed(proxy, 1);
    // It may have been open for a moment, and Deno have said so: in a thread of its own it can be quicker than the
    // program.
    await until(() => !listensOn(proxy.program.pid, 9229), "the debugger is shut");
  }
  await stays(() => !listensOn(proxy.program.pid, 9229), "the debugger is shut", 500);
});

Deno.test({
  name: "SIGUSR1 spares a listener on the debugger's address (root, iproute2)",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    // The address is fixed. In a network namespace of its own nobody else has it.
    await using proxy = await Proxy.start(dir, backend.address, {
      listener: { listen: "127.0.0.1:9229" },
      prefix: ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
    });
    await pause(DENO_HEARS_MS);
    proxy.program.signal("SIGUSR1");
    await stays(() => listensOn(proxy.program.pid, 9229), "the listener is there", GUARD_MS);
    proxy.program.signal("SIGTERM");
    assert.equal(await proxy.program.exit(), 0);
  },
});

Deno.test("SIGUSR1 opens the log file anew", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const file = dir.file("log");
  await using proxy = await QuietProxy.start(dir, backend.address, { file });
  await echoed(proxy, 1);
  await until(() => Deno.readTextFileSync(file).includes('"event":"connection"'), "the record is in the file");
  Deno.renameSync(file, `${file}.1`);
  proxy.program.signal("SIGUSR1");
  await until(
    () => exists(file) && Deno.readTextFileSync(file).includes('"event":"log-reopen"'),
    "the file is there again",
  );
  await echoed(proxy, 1);
  await until(() => Deno.readTextFileSync(file).includes('"event":"connection"'), "records go to the new file");
  assert.equal(Deno.statSync(file).mode! & 0o027, 0);
  proxy.program.signal("SIGTERM");
  assert.equal(await proxy.program.exit(), 0);
  assert.match(Deno.readTextFileSync(file), /"event":"stop"/);
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
