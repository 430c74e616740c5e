import { readExactly } from "../applications/backend.ts";
import type { LogRecord } from "./program.ts";
import { Proxy, type ProxyOptions, type TempDir } from "./proxy.ts";
import assert from "node:assert/strict";

export interface OrderingOptions extends ProxyOptions {
  /** The ACME server, or where one was. */
  authority: { directory: string; caPem: string };
  port: number;
  names: string[];
}

/** The program in front of `backend` on a port of its own, with a certificate to be ordered for `names`. */
export function startOrdering(
  dir: TempDir,
  backend: string,
  { authority, port, names, ...options }: OrderingOptions,
): Promise<Proxy> {
  Deno.writeTextFileSync(dir.file("authority.pem"), authority.caPem);
  const acme = { directory: authority.directory, "terms-agreed": true, storage: "acme", ca: "authority.pem" };
  return Proxy.start(dir, backend, {
    ...options,
    config: { ...options.config, acme: { ...acme, ...options.config?.acme as object | undefined } },
    listener: { listen: `127.0.0.1:${port}`, cert: "", key: "", acme: names, ...options.listener },
  });
}

/** Whether a record says that a certificate is in service. */
export function isServed({ event }: LogRecord): boolean {
  return event === "acme-served";
}

/** Exchanges bytes with the application as `hostname`, trusting `ca` alone. */
export async function assertEcho(port: number, hostname: string, ca: string): Promise<void> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const client = await Deno.startTls(tcp, { hostname, caCerts: [ca] });
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
  client.close();
}
