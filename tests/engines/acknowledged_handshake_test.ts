import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { stays } from "../support/wait.ts";

/** The kernel puts an acknowledgement off for 40 to 200 ms. */
const PUT_OFF_MS = 300;

/** How many acknowledgements were put off in the network namespace of a process (TcpExt in proc_pid_net(5)). */
function delayedAcks(pid: number): number {
  const [names, values] = Deno.readTextFileSync(`/proc/${pid}/net/netstat`).split("\n").filter((line) =>
    line.startsWith("TcpExt:")
  ).map((line) => line.split(" "));
  return Number(values[names.indexOf("DelayedACKs")]);
}

// The other runtimes send their session tickets then, and the client is what puts an acknowledgement off.
for (const engine of ["native", "node"]) {
  Deno.test({
    name: `${engine} on bun acknowledges the end of a client's handshake at once (root, iproute2, openssl)`,
    ignore: Deno.uid() !== 0,
    fn: async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      // Nobody else sends packets in a network namespace of its own.
      await using proxy = await Proxy.start(dir, backend.address, {
        command: await runtimeCommand("bun"),
        listener: { engine },
        prefix: ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
      });
      const { pid } = proxy.program;
      const before = delayedAcks(pid);
      const args = ["-t", `${pid}`, "-n", "openssl", "s_client", "-connect", `127.0.0.1:${proxy.port}`];
      await using client = new Deno.Command("nsenter", { args, stdin: "piped", stdout: "piped", stderr: "null" })
        .spawn();
      let said = "";
      for await (const text of client.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })) {
        said += text;
        if (said.includes("Verify return code")) break;
      }
      assert.match(said, /Verify return code/);
      // A client that holds its first request until it is acknowledged would wait now.
      await stays(() => delayedAcks(pid) === before, "no acknowledgement was put off", PUT_OFF_MS);
    },
  });
}
