/** The real program, ordering its certificates from a real ACME server. */
import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/backend.ts";
import { freePort } from "../support/free_port.ts";
import { PEBBLE, Pebble } from "../support/pebble.ts";
import { peerTest } from "../support/peers.ts";
import type { LogRecord } from "../support/program.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxy.ts";
import { type Contender, runtimeCommand } from "../support/runtimes.ts";

const CONTENDERS: Contender[] = [
  { runtime: "deno", engine: "native" },
  { runtime: "bun", engine: "native" },
  { runtime: "node", engine: "node" },
];

/** The program in front of `backend` on a port of its own, with a certificate to be ordered for `names`. */
function startOrdering(
  dir: TempDir,
  backend: string,
  { pebble, port, names, ...options }: ProxyOptions & {
    pebble: { directory: string; caPem: string };
    port: number;
    names: string[];
  },
): Promise<Proxy> {
  Deno.writeTextFileSync(dir.file("pebble.pem"), pebble.caPem);
  const acme = { directory: pebble.directory, "terms-agreed": true, storage: "acme", ca: "pebble.pem" };
  return Proxy.start(dir, backend, {
    ...options,
    config: { ...options.config, acme: { ...acme, ...options.config?.acme as object | undefined } },
    listener: { listen: `127.0.0.1:${port}`, cert: "", key: "", acme: names, ...options.listener },
  });
}

const served = ({ event }: LogRecord) => event === "acme-served";

/** Exchanges bytes with the application as `hostname`, trusting `ca` alone. */
async function assertEcho(port: number, hostname: string, ca: string): Promise<void> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const client = await Deno.startTls(tcp, { hostname, caCerts: [ca] });
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
  client.close();
}

for (const { runtime, engine } of CONTENDERS) {
  peerTest(
    `${engine} on ${runtime}: the first start orders, serves, and a restart needs no network`,
    PEBBLE,
    async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      const port = freePort();
      const names = ["a.example.net", "b.example.net"];
      const command = await runtimeCommand(runtime);
      let root: string;
      let gone: { directory: string; caPem: string };
      {
        await using pebble = await Pebble.start({ tlsPort: port, env: { PEBBLE_WFE_NONCEREJECT: "20" } });
        root = await pebble.root();
        gone = { directory: pebble.directory, caPem: pebble.caPem };
        await using proxy = await startOrdering(dir, backend.address, { pebble, port, names, command });
        await proxy.program.record(served, "certificate");
        for (const name of names) await assertEcho(port, name, root);
        const validated = proxy.program.connections().filter(({ reason }) => reason === "acme-challenge");
        assert.deepEqual([...new Set(validated.map(({ sni }) => sni))].sort(), names);
        assert.ok(validated.every(({ alpn, backend }) => alpn === "acme-tls/1" && backend === undefined));
      }
      await using again = await startOrdering(dir, backend.address, { pebble: gone, port, names, command });
      for (const name of names) await assertEcho(again.port, name, root);
    },
  );
}
