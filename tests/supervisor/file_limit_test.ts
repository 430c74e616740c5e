import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";

/** A command that lowers the limits of open files for the command after it. */
function openFiles(soft: number, hard: number): string[] {
  return ["sh", "-c", `ulimit -Sn ${soft}; ulimit -Hn ${hard}; exec "$@"`, "sh"];
}

Deno.test("proxy raises the limit of open files, and serves more than the soft one let it", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { prefix: openFiles(100, 1000) });
  assert.match(Deno.readTextFileSync(`/proc/${proxy.program.pid}/limits`), /^Max open files +1000 +1000 /m);
  const clients = await Promise.all(Array.from({ length: 100 }, async () => {
    const client = await proxy.connect();
    await client.write(Uint8Array.of(1));
    await readExactly(client, 1);
    return client;
  }));
  assert.ok(proxy.program.fds() > 200);
  assert.deepEqual(proxy.program.records.filter(({ event }) => event === "file-limit"), []);
  for (const client of clients) client.close();
});

Deno.test("proxy says that limits.connections does not fit the limit of open files, alone or together", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    prefix: openFiles(100, 1000),
    listener: { limits: { connections: 451 } },
  });
  const said = () =>
    proxy.program.records.filter(({ event }) => event === "file-limit")
      .map(({ listener, limit, room }) => ({ listener, limit, room }));
  assert.deepEqual(said(), [{ listener: "web", limit: 451, room: 450 }]);
  const own = Deno.readTextFileSync(dir.file("proxy.toml")).replace("connections = 451", "connections = 300");
  const other = own.slice(own.indexOf("[[listener]]")).replace('name = "web"', 'name = "other"');
  Deno.writeTextFileSync(dir.file("proxy.toml"), `${own}\n${other}`);
  assert.equal((await proxy.reload()).event, "reload");
  assert.deepEqual(said().slice(1), [{ listener: undefined, limit: 600, room: 450 }]);
});
