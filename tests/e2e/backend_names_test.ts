import assert from "node:assert/strict";
import { echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";
import { contenders } from "../support/proxies/under_test.ts";

/** Whether a program can be given a file of host names of its own: a mount namespace is root's. */
const hasOwnMounts =
  new Deno.Command("unshare", { args: ["-m", "true"], stdout: "null", stderr: "null" }).outputSync().success;

for (const { runtime, engine } of contenders(CONTENDERS)) {
  Deno.test({
    name: `${engine} on ${runtime} looks a backend's name up for each connection`,
    ignore: !hasOwnMounts,
    async fn() {
      using dir = new TempDir();
      const hosts = dir.file("hosts");
      const name = (...addresses: string[]) =>
        Deno.writeTextFileSync(hosts, addresses.map((address) => `${address} app.example\n`).join(""));
      using first = Deno.listen({ hostname: "127.0.0.8", port: 0 });
      using second = Deno.listen({ hostname: "127.0.0.9", port: (first.addr as Deno.NetAddr).port });
      name("127.0.0.8");
      await using proxy = await Proxy.start(dir, `tcp:app.example:${(first.addr as Deno.NetAddr).port}`, {
        command: await runtimeCommand(runtime),
        listener: { engine },
        prefix: ["unshare", "-m", "sh", "-c", `mount --bind ${hosts} /etc/hosts && exec "$@"`, "sh"],
      });
      const reaches = async (listener: Deno.Listener) => {
        const serving = listener.accept().then((conn) => echo(conn).finally(() => conn.close()));
        const client = await proxy.connect();
        await client.write(Uint8Array.of(7));
        assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
        client.close();
        await serving;
      };
      await reaches(first);
      name("127.0.0.9");
      await reaches(second);
      name("127.0.0.8");
      await reaches(first);
    },
  });
}
