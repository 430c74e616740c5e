import assert from "node:assert/strict";
import { Backend, echo } from "../applications/backend.ts";
import { makeClientCertificates } from "./client_certificates.ts";
import { Haproxy } from "../peers/haproxy.ts";
import { peerTest } from "../peers/peers.ts";
import { clientArguments, sClient } from "../peers/s_client.ts";
import { TempDir, testCertificate } from "../proxies/proxy.ts";
import { freePort } from "../../../bench/lab/free_port.ts";

const PEERS = [{ command: "haproxy", debian: "haproxy" }, { command: "openssl", debian: "openssl" }];

/** Registers the same table for HAProxy: nobody should come in here whom it refuses. */
export function haproxyCertificates(version: "1.2" | "1.3"): void {
  peerTest(`HAProxy admits every client's certificate that is admitted here (TLS ${version})`, PEERS, async () => {
    using dir = new TempDir();
    const { ca, clients } = makeClientCertificates();
    const { cert, key } = await testCertificate();
    Deno.writeTextFileSync(dir.file("server.pem"), cert + key);
    Deno.writeTextFileSync(dir.file("ca.pem"), ca.pem);
    await using backend = new Backend(dir.file("app.sock"), echo);
    const port = freePort();
    const tls = `ssl crt ${dir.file("server.pem")} ca-file ${dir.file("ca.pem")} verify required`;
    await using _haproxy = await Haproxy.start(
      dir.path,
      `
listen clients
  mode tcp
  bind 127.0.0.1:${port} ${tls} ssl-min-ver TLSv${version} ssl-max-ver TLSv${version}
  server app unix@${backend.path}`,
      async () => {
        try {
          (await Deno.connect({ hostname: "127.0.0.1", port })).close();
          return true;
        } catch {
          return false;
        }
      },
    );
    const laxer: string[] = [];
    const stricter: string[] = [];
    for (const client of clients) {
      const { echoed, alert } = await sClient(port, ...clientArguments(dir, client));
      console.log(`  ${client.title.padEnd(44)} ${echoed ? "admitted" : `refused, alert ${alert}`}`);
      if (echoed && !client.admitted) stricter.push(client.title);
      if (!echoed && client.admitted) laxer.push(client.title);
    }
    assert.deepEqual(laxer, [], "HAProxy refuses them, and they come in here");
    // Its bounds are the machine's OpenSSL, which may be set to a level of its own.
    for (const title of stricter) assert.match(title, /SHA-1|RSA 1024/);
  });
}
