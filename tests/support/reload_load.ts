import assert from "node:assert/strict";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { Backend, echo } from "./applications/backend.ts";
import { Load } from "./load.ts";
import { Proxy, TempDir } from "./proxies/proxy.ts";
import type { RawClients } from "./peers/veth.ts";
import { Veth } from "./peers/veth.ts";
import { pause } from "./wait.ts";

export interface ReloadLoadOptions {
  reloads: number;
  workers: number;
  engine: "native" | "node";
  /** As in {@linkcode Program}. */
  command?: string[];
  /** How many clients send and receive all the time. */
  long: number;
  /** Whether there are clients of raw packets, too, which need root and iproute2. */
  raw: boolean;
}

/**
 * Lets clients of every kind connect as fast as they can while the proxy repeatedly gets another certificate. Fails
 * when a connection is lost or a client receives a wrong byte.
 */
export async function reloadUnderLoad(
  { reloads, workers, engine, command, long, raw }: ReloadLoadOptions,
): Promise<void> {
  using dir = new TempDir();
  using network = raw ? Veth.create() : null;
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers, shutdown: { grace: "10m" }, log: { level: "info", access: false } },
    listener: { engine, listen: `${network?.address ?? "127.0.0.1"}:0` },
    command,
  });
  proxy.hostname = network?.address ?? "127.0.0.1";
  const hosts = ["localhost", "127.0.0.1", proxy.hostname];
  const certificates = [await makeSelfSigned({ hosts }), await makeSelfSigned({ hosts })];
  const install = async ({ cert, key }: { cert: string; key: string }) => {
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key);
    assert.equal((await proxy.reload()).event, "reload");
  };
  await install(certificates[1]);
  const load = new Load(proxy, { quick: 8, slow: 4, long, caCerts: certificates.map(({ cert }) => cert) });
  let clients: RawClients | undefined;
  if (network !== null) {
    clients = network.startRawClients(proxy.port, 300);
    await pause(500);
  }
  for (let round = 0; round < reloads; round++) {
    await install(certificates[round % 2]);
    await pause(100);
  }
  const unserved = await clients?.stop();
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.ok(load.connections > 4 * reloads, `${load.connections} connections`);
  if (unserved !== undefined) {
    assert.deepEqual(unserved.failures, []);
    assert.ok(unserved.served > reloads, `${unserved.served} handshakes of raw packets`);
  }
}
