/** The real program's plain HTTP address, asked as clients would. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { activation } from "../support/peers/activate.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { untilDescriptors } from "../support/proxies/process_status.ts";
import { until } from "../support/wait.ts";

const PERL = [{ command: "perl", debian: "perl" }];
const CURL = [{ command: "curl", debian: "curl" }];

/** Sends bytes, and gives all that comes back until the end. */
async function exchange(port: number, request: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(request));
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(4096);
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) chunks.push(buffer.slice(0, count));
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
}

for (const runtime of ["deno", "bun", "node"] as const) {
  peerTest(`[redirect] on ${runtime} answers clients, counts them, and follows reloads`, CURL, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    const port = freePort();
    const admin = `unix:${dir.file("admin.sock")}`;
    await using proxy = await Proxy.start(dir, backend.address, {
      command: await runtimeCommand(runtime),
      config: { redirect: { listen: `127.0.0.1:${port}` }, admin: { listen: admin } },
    });
    for (const args of [[], ["-X", "PROPFIND"], ["-I"], ["--http1.0"], ["-d", "a".repeat(100_000)]]) {
      const { text } = await runPeer("curl", [
        ...["-s", "-S", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", ...args],
        ...["-H", "Host: www.example.org:8080", `http://127.0.0.1:${port}/a?b`],
      ]);
      assert.equal(text, "308 https://www.example.org/a?b", args.join(" "));
    }
    assert.match(await exchange(port, "GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 400 /);
    assert.match(await exchange(port, "\x16\x03\x01\x00\x05hello\r\n\r\n"), /^HTTP\/1\.1 400 /);
    assert.match(await exchange(port, `GET / HTTP/1.1\r\nX: ${"x".repeat(9_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
    const metrics = async () =>
      (await runPeer("curl", ["-s", "--unix-socket", dir.file("admin.sock"), "http://localhost/metrics"])).text;
    const text = await metrics();
    assert.match(text, /tls_off_redirect_requests_total\{status="308"\} 5/);
    assert.match(text, /tls_off_redirect_requests_total\{status="400"\} 2/);
    assert.match(text, /tls_off_redirect_requests_total\{status="431"\} 1/);
    const other = freePort();
    const file = dir.file("proxy.toml");
    Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace(`${port}`, `${other}`));
    assert.equal((await proxy.reload()).event, "reload");
    assert.match(await exchange(other, "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n"), /^HTTP\/1\.1 308 /);
    await assert.rejects(exchange(port, "GET / HTTP/1.0\r\n\r\n"), Deno.errors.ConnectionRefused);
  });
}

Deno.test("[redirect] holds 1024 connections, closes what is above, and lets the silent go", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const port = freePort();
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { redirect: { listen: `127.0.0.1:${port}` } },
  });
  const silent: Deno.Conn[] = [];
  // Many at a time: the first has only ten seconds.
  while (silent.length < 1024) {
    const coming = Array.from({ length: 128 }, () => Deno.connect({ hostname: "127.0.0.1", port }));
    silent.push(...await Promise.all(coming));
  }
  // The one above the limit is closed unanswered.
  assert.equal(await exchange(port, "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n"), "");
  silent.pop()!.close();
  await until(async () => {
    const answer = await exchange(port, "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
    return answer.startsWith("HTTP/1.1 308 ");
  }, "another one is answered");
  // Their ten seconds end with no answer, and no descriptor is left.
  const ended = silent.map((conn) => conn.read(new Uint8Array(1)).catch(() => null));
  assert.ok((await Promise.all(ended)).every((count) => count === null));
  for (const conn of silent) conn.close();
  await untilDescriptors(proxy.program, 99);
});

for (const runtime of ["deno", "bun"] as const) {
  peerTest(`[redirect] on ${runtime} takes the socket that the service manager hands over`, PERL, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    const { port, prefix } = activation();
    await using proxy = await Proxy.start(dir, backend.address, {
      command: await runtimeCommand(runtime),
      prefix,
      config: { redirect: { listen: `127.0.0.1:${port}` } },
    });
    const ask = () => exchange(port, "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
    assert.match(await ask(), /^HTTP\/1\.1 308 /);
    assert.equal((await proxy.reload()).event, "reload");
    assert.match(await ask(), /^HTTP\/1\.1 308 /);
  });
}

Deno.test("[redirect] whose address is taken keeps the program from starting, in one line", async () => {
  using dir = new TempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const config = { redirect: { listen: `127.0.0.1:${taken.addr.port}` } };
  await assert.rejects(Proxy.start(dir, "unix:app.sock", { config }), /Cannot listen on .* for \[redirect\]: /);
});
