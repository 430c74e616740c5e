import { Backend, echo, readExactly } from "../support/backend.ts";
import { Proxy, TempDir } from "../support/proxy.ts";
import { pause, until } from "../support/wait.ts";
import { makeSelfSigned } from "../../src/tls/self_signed.ts";
import assert from "node:assert/strict";

const RELOADS = Number(Deno.env.get("TLS_OFF_RELOADS") ?? 1000);
/** Reloads after which the caches and the compiler have what they want. */
const WARM_UP = 20;

Deno.test(`after ${RELOADS} reloads memory, threads and descriptors are as after the first ${WARM_UP}`, async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2, shutdown: { grace: "2s" }, log: { level: "debug" } },
  });
  const own = { cert: proxy.cert, key: Deno.readTextFileSync(dir.file("key.pem")) };
  const certificates = [await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] }), own];
  const threads = () => Number(/Threads:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${proxy.program.pid}/status`))![1]);
  const settled = async () => {
    // The last sockets that were replaced go on accepting for some seconds.
    await pause(8_000);
    return { rssKiB: proxy.program.rssKiB(), fds: proxy.program.fds(), threads: threads() };
  };
  const reloads = async (count: number) => {
    for (let round = 0; round < count; round++) {
      const { cert, key } = certificates[round % 2];
      Deno.writeTextFileSync(dir.file("cert.pem"), cert);
      Deno.writeTextFileSync(dir.file("key.pem"), key);
      assert.equal((await proxy.reload()).event, "reload");
      const client = await proxy.connect({ caCerts: [cert] });
      await client.write(Uint8Array.of(1));
      await readExactly(client, 1).catch(async (e) => {
        await pause(300);
        console.log(
          round,
          proxy.program.connections().slice(-3),
          proxy.program.records.filter((r) => r.level !== "info").slice(-3),
        );
        throw e;
      });
      client.close();
      if (round % 50 === 49) console.log(round + 1, proxy.program.rssKiB(), proxy.program.fds(), threads());
    }
  };
  await reloads(WARM_UP);
  const before = await settled();
  await reloads(RELOADS - WARM_UP);
  const after = await settled();
  console.log({ before, after });
  assert.equal(after.fds, before.fds);
  assert.equal(after.threads, before.threads);
  assert.ok(after.rssKiB <= before.rssKiB * 1.1, `${before.rssKiB} KiB became ${after.rssKiB} KiB`);
  void until;
});
