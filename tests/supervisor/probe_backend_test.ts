import assert from "node:assert/strict";
import http from "node:http";
import type { TargetConfig } from "../../src/config/config.ts";
import { probeBackend } from "../../src/supervisor/probe_backend.ts";
import { Backend, readExactly } from "../support/applications/backend.ts";
import { peerTest } from "../support/peers/peers.ts";
import { TempDir } from "../support/proxies/proxy.ts";

const PYTHON = { command: "python3", debian: "python3" };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const REQUEST = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nUser-Agent: tls-off\r\nConnection: close\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
const NOTHING = "the connection ended without an answer";

/** Probes what listens at a path, by HTTP. */
function probe(path: string, timeoutMs = 60_000): Promise<string | null> {
  const health = { intervalMs: 60_000, timeoutMs, rise: 1, fall: 1, path: "/healthz" };
  const target = { health, proxyProtocol: "off" } as unknown as TargetConfig;
  return probeBackend({ address: { transport: "unix", path }, target, host: "localhost", engine: "native" });
}

Deno.test("probeBackend() judges the final answer, whatever comes before it, and in whatever pieces", async () => {
  using dir = new TempDir();
  const cases: [answer: string[], verdict: string | null][] = [
    [[OK], null],
    [[...OK], null],
    [["HTTP/1.1 100 Continue\r\n\r\n" + OK], null],
    [[HINTS, HINTS, OK], null],
    [[HINTS.replaceAll("\r", "") + OK], null],
    [[HINTS, "HTTP/1.1 503 x\r\n\r\n"], "the answer has status 503"],
    [["HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK], "the answer has status 101"],
    [[HINTS], NOTHING],
    [[], NOTHING],
    [["\r\n" + OK], "the answer is not HTTP/1.1"],
    [["x".repeat(100_000)], "the answer is not HTTP/1.1"],
    [[HINTS.repeat(1000)], "the answer has no status within 16384 bytes"],
  ];
  for (const [index, [answer, verdict]] of cases.entries()) {
    await using app = new Backend(dir.file(`${index}.sock`), async (conn) => {
      await readExactly(conn, REQUEST.length);
      // The probe may have left before it has all.
      for (const part of answer) await conn.write(new TextEncoder().encode(part)).catch(() => {});
    });
    assert.equal(await probe(app.address.replace("unix:", "")), verdict, JSON.stringify(answer).slice(0, 80));
  }
});

Deno.test("probeBackend() finds an application well that sends early hints", async () => {
  using dir = new TempDir();
  const path = dir.file("app.sock");
  const server = http.createServer((_request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" });
    response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    assert.equal(await probe(path), null);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const ANSWERING = `
import os, socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(5)
print("ready", flush=True)
while True:
    conn, _ = listener.accept()
    if conn.recv(1000) and sys.argv[2] == "answers":
        conn.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    elif sys.argv[2] != "answers":
        time.sleep(1000)
`;

for (const [behaviour, verdict] of [["answers", null], ["says nothing", "no answer within 100 ms"]] as const) {
  peerTest(`probeBackend() on a busy thread tells of a backend that ${behaviour}`, [PYTHON], async () => {
    using dir = new TempDir();
    const path = dir.file("app.sock");
    const program = new Deno.Command("python3", {
      args: ["-c", ANSWERING, path, behaviour],
      stdout: "piped",
    }).spawn();
    const output = program.stdout.getReader();
    try {
      await output.read();
      for (const turns of [0, 1, 2, 3, 4]) {
        const probing = probe(path, 100);
        // The probe is at another step each time: the connect, the request, the answer.
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        block(300);
        assert.equal(await probing, verdict, `blocked after ${turns} turns`);
        if (verdict !== null) break;
      }
    } finally {
      await output.cancel();
      program.kill("SIGKILL");
      await program.status;
    }
  });
}

/** Keeps the thread busy. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
