/** Applications of node:http and node:http2 in a process of their own: what people put behind a proxy. */

const PROGRAM = `
const http = require("node:http");
const http2 = require("node:http2");
const { createHash } = require("node:crypto");
const folder = process.argv[1];
const listening = [];
const at = (server, name) => listening.push(new Promise((resolve) => server.listen(folder + "/" + name + ".sock", resolve)));

for (const name of ["http1", "fallback"]) {
  at(http.createServer((request, response) => response.end(name + " " + request.headers.host)), name);
}
at(http2.createServer((request, response) => response.end("h2 " + request.authority)), "h2");

// A unary call: five bytes of header before each message, and its status in the trailers.
const grpc = http2.createServer();
grpc.on("stream", (stream) => {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.concat(chunks));
  });
});
at(grpc, "grpc");

const ws = http.createServer();
ws.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  socket.write("HTTP/1.1 101 x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " +
    createHash("sha1").update(key).digest("base64") + "\\r\\n\\r\\n");
  socket.on("data", (frame) => {
    const length = frame[1] & 127;
    const text = Buffer.from(frame.subarray(6, 6 + length).map((byte, i) => byte ^ frame[2 + i % 4]));
    socket.end(Buffer.concat([Buffer.of(0x81, text.length), text]));
  });
});
at(ws, "ws");

Promise.all(listening).then(() => console.log("ready"));
`;

export class WebApps implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, readonly folder: string) {
    this.#child = child;
  }

  /**
   * Resolves when all of them listen in the folder, as `http1.sock`, `fallback.sock`, `h2.sock`, `grpc.sock`,
   * `ws.sock`.
   */
  static async start(folder: string): Promise<WebApps> {
    const command = new Deno.Command("node", {
      args: ["-e", PROGRAM, folder],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    });
    const child = command.spawn();
    const reader = child.stdout.getReader();
    const { done } = await reader.read();
    await reader.cancel();
    if (done) throw new Error("Applications ended before they listened");
    return new WebApps(child, folder);
  }

  address(name: string): string {
    return `unix:${this.folder}/${name}.sock`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
