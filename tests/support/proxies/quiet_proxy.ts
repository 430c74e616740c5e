import { stringify } from "@std/toml";
import { freePort } from "../../../bench/lab/free_port.ts";
import { NotifySocket } from "./notify_socket.ts";
import { Program } from "./program.ts";
import { type TempDir, testCertificate } from "./proxy.ts";
import { until } from "../wait.ts";

/**
 * The real program with a log that does not go to standard error, so that only a service manager hears when it serves.
 */
export class QuietProxy implements AsyncDisposable {
  private constructor(
    readonly program: Program,
    readonly manager: NotifySocket,
    readonly port: number,
    readonly cert: string,
  ) {}

  /** @param prefix as in {@linkcode Program} */
  static async start(
    dir: TempDir,
    backend: string,
    log: Record<string, unknown>,
    prefix: string[] = [],
  ): Promise<QuietProxy> {
    const { cert, key } = await testCertificate();
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
    const port = freePort();
    const listener = [{ name: "web", listen: `127.0.0.1:${port}`, backend, cert: "cert.pem", key: "key.pem" }];
    Deno.writeTextFileSync(dir.file("proxy.toml"), stringify({ workers: 1, log, listener }));
    // That the port answers is not enough: the program tries the address before it listens there.
    const manager = new NotifySocket(dir.file("notify.sock"));
    const program = new Program([dir.file("proxy.toml")], { prefix, env: { NOTIFY_SOCKET: dir.file("notify.sock") } });
    const proxy = new QuietProxy(program, manager, port, cert);
    try {
      await until(() => {
        program.assertRunning();
        return manager.messages.some((message) => message.includes("READY=1"));
      }, "the proxy is ready");
      return proxy;
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw new Error(`Proxy did not start: ${program.complaints.join("\n")}`, { cause: error });
    }
  }

  /** Connects a TLS client that trusts the test's certificate. */
  connect(): Promise<Deno.TlsConn> {
    return Deno.connectTls({ hostname: "127.0.0.1", port: this.port, caCerts: [this.cert] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    this.manager[Symbol.dispose]();
  }
}
