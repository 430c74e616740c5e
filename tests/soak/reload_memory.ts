import assert from "node:assert/strict";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { holdsNoMoreThan, settledHoldings } from "../support/proxies/process_status.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { assertNoLeak } from "./growth.ts";

const RELOADS = Number(Deno.env.get("TLS_OFF_RELOADS") ?? 1000);
/** Reloads after which the caches are full. */
const WARM_UP = 20;

Deno.test(`${RELOADS} reloads leave memory, threads and descriptors as the first ${WARM_UP} have`, async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 2, shutdown: { grace: "2s" }, log: { level: "info", access: false } },
  });
  const own = { cert: proxy.cert, key: Deno.readTextFileSync(dir.file("key.pem")) };
  const certificates = [await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] }), own];
  const ownKiB: number[] = [];
  const reload = async (count: number) => {
    for (let round = 0; round < count; round++) {
      const { cert, key } = certificates[round % 2];
      Deno.writeTextFileSync(dir.file("cert.pem"), cert);
      Deno.writeTextFileSync(dir.file("key.pem"), key);
      assert.equal((await proxy.reload()).event, "reload");
      // No other certificate will do: it is the new generation that answers.
      const client = await proxy.connect({ caCerts: [cert] });
      await client.write(Uint8Array.of(1));
      await readExactly(client, 1);
      client.close();
      ownKiB.push(proxy.program.rssKiB());
    }
  };
  await reload(WARM_UP);
  ownKiB.length = 0;
  const before = await settledHoldings(proxy.program);
  await reload(RELOADS - WARM_UP);
  const after = await holdsNoMoreThan(before, proxy.program);
  console.log({ before, after });
  assertNoLeak(ownKiB);
});
