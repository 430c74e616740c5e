import { readAll, writeAll } from "../../support/applications/backend.ts";

/** `tls-off demo` of a binary, with nothing in its environment but what the test gives. */
export class RunningDemo implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #port: number;
  readonly #certificate: string;

  private constructor(child: Deno.ChildProcess, port: number, certificate: string) {
    this.#child = child;
    this.#port = port;
    this.#certificate = certificate;
  }

  /**
   * Starts it, and waits until it says how to reach it.
   * @param directory the working folder and the temporary folder
   */
  static async start(
    [file, ...args]: string[],
    directory: string,
    env: Record<string, string> = {},
  ): Promise<RunningDemo> {
    const child = new Deno.Command(file, {
      args: [...args, "demo", "--port", "0"],
      cwd: directory,
      clearEnv: true,
      env: { TMPDIR: directory, ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += chunk;
      const [, ca, port] = /--cacert (\S+) https:\/\/localhost:(\d+)\//.exec(said) ?? [];
      if (ca !== undefined) return new RunningDemo(child, Number(port), await Deno.readTextFile(ca));
    }
    throw new Error(`The demo ended with ${(await child.status).code}: ${said}`);
  }

  /** Sends a body, and returns the body of the answer. */
  async echo(body: string): Promise<string> {
    const answer = await this.exchange(new TextEncoder().encode(body));
    return new TextDecoder().decode(answer);
  }

  /** As {@linkcode RunningDemo.echo}, with bytes. */
  async exchange(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const caCerts = [this.#certificate];
    const conn = await Deno.connectTls({ hostname: "localhost", port: this.#port, caCerts });
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const writing = writeAll(conn, new TextEncoder().encode(head)).then(() => writeAll(conn, body));
    const [answer] = await Promise.all([readAll(conn), writing]);
    conn.close();
    return answer.subarray(answer.length - body.length);
  }

  /** Ends it as Ctrl-C does, and returns its exit code. */
  async stop(): Promise<number> {
    this.#child.kill("SIGINT");
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
  }
}
