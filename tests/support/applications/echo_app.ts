/** An echo application with an accept backlog of 1, as a process of its own that a test can stop, continue and kill. */
import net from "node:net";

export class EchoApp implements AsyncDisposable {
  private constructor(readonly child: Deno.ChildProcess) {}

  /** Resolves when it listens on the Unix socket at `path`. */
  static async start(path: string): Promise<EchoApp> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-net",
        "--allow-read",
        "--allow-write",
        new URL(import.meta.url).pathname,
        path,
      ],
      stdout: "piped",
    }).spawn();
    for await (const _ of child.stdout) return new EchoApp(child);
    throw new Error("Echo application did not start");
  }

  /** Kills it, so that its socket file remains. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }
}

if (import.meta.main) {
  net.createServer((socket) => socket.on("error", () => {}).pipe(socket))
    .listen({ path: Deno.args[0], backlog: 1 }, () => console.log("listening"));
}
