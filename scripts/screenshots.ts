/**
 * Takes the README's pictures of the live page, `scripts/screenshots/page-light.png` and
 * `scripts/screenshots/page-dark.png`, of the real program under two minutes of made-up load. Needs Debian's chromium.
 * Run by `deno task screenshots`.
 */
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { chromium } from "playwright-core";
import { Backend, writeAll } from "../tests/support/applications/backend.ts";
import { Proxy, TempDir } from "../tests/support/proxies/proxy.ts";
import { pause } from "../tests/support/wait.ts";

const LOAD_MS = 120_000;
const PICTURES = new URL("./screenshots/", import.meta.url).pathname;

/** How many bytes are answered for each byte of a request. */
const ANSWER = 3;

/** What the clients do: bytes of a request, milliseconds until the next one, and exchanges on one connection. */
const CLIENTS: [bytes: number, pauseMs: number, exchanges: number][] = [
  [400_000, 180, 200],
  [120_000, 150, 60],
  [30_000, 90, 20],
  [8_000, 40, 12],
  [2_000, 60, 5],
  [900, 120, 1],
  [60_000, 700, 3],
];

const stopAt = performance.now() + LOAD_MS;

/** Opens one connection and makes exchanges on it, each a request and its answer. */
function converse(port: number, ca: string, localAddress: string, bytes: number, pauseMs: number, exchanges: number) {
  return new Promise<void>((resolve) => {
    const socket = connectTcp({ host: "127.0.0.1", port, localAddress });
    const client = connectTls({ socket, host: "127.0.0.1", ca });
    let left = exchanges;
    let awaited = 0;
    const next = () => {
      if (left-- === 0 || performance.now() > stopAt) return client.end();
      awaited = ANSWER * bytes;
      client.write(new Uint8Array(bytes));
    };
    client.on("secureConnect", next);
    client.on("data", (chunk: Uint8Array) => {
      awaited -= chunk.length;
      if (awaited === 0) setTimeout(next, pauseMs * (0.5 + Math.random()));
    });
    client.on("error", () => resolve());
    client.on("close", () => resolve());
  });
}

async function answer(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    await writeAll(conn, new Uint8Array(ANSWER * count));
  }
  await conn.closeWrite();
}

async function load(proxy: Proxy): Promise<void> {
  const customers = CLIENTS.map(async ([bytes, pauseMs, exchanges], i) => {
    while (performance.now() < stopAt) {
      await converse(proxy.port, proxy.cert, `127.0.0.${i + 2}`, bytes, pauseMs, exchanges);
    }
  });
  const scanner = async () => {
    while (performance.now() < stopAt) {
      const client = await proxy.connectTcp();
      await client.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
      client.close();
      await pause(4_000 * Math.random());
    }
  };
  await Promise.all([...customers, scanner()]);
}

using dir = new TempDir();
await using backend = new Backend(dir.file("app.sock"), answer);
await using proxy = await Proxy.start(dir, backend.address, {
  listener: { engine: "node" },
  config: { workers: 2, admin: { listen: "127.0.0.1:0" } },
});
const { address } = await proxy.program.record(({ event }) => event === "admin-listening");
const loading = load(proxy);
await pause(LOAD_MS - 12_000);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const colorScheme of ["light", "dark"] as const) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1180, height: 900 } });
  await page.goto(`http://${address}/`);
  await pause(3_000);
  await page.screenshot({ path: `${PICTURES}page-${colorScheme}.png`, fullPage: true });
}
await browser.close();
await loading;
