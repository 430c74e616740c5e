/**
 * Program for Deno: PORT CERT KEY BACKEND. The least that a TLS proxy on `node:tls` can do there: see deno_loop.ts.
 * To reach the backend by `Deno.connect` instead of `node:net` costs the same.
 */
import { readFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";

const [port, cert, key, unix] = process.argv.slice(2);

/** @param {import("node:net").Socket} from @param {import("node:net").Socket} to */
function relay(from, to) {
  from.on("data", (chunk) => {
    if (to.write(chunk)) return;
    from.pause();
    to.once("drain", () => from.resume());
  });
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}

tls.createServer({ cert: readFileSync(cert), key: readFileSync(key), allowHalfOpen: true, noDelay: true }, (client) => {
  const backend = net.connect({ path: unix, allowHalfOpen: true });
  relay(client, backend);
  relay(backend, client);
}).listen(Number(port), "127.0.0.1");
