import { stringify } from "@std/toml";
import { freePort } from "./free_port.ts";
import { Program } from "./program.ts";
import { type TempDir, testCertificate } from "./proxy.ts";
import { pause } from "./wait.ts";

/** The real program with a log that does not go to standard error, so that only its port shows when it serves. */
export class QuietProxy implements AsyncDisposable {
  private constructor(readonly program: Program, readonly port: number, readonly cert: string) {}

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
    const program = new Program([dir.file("proxy.toml")], { prefix });
    const deadline = performance.now() + 20_000;
    for (;;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return new QuietProxy(program, port, cert);
      } catch (error) {
        if (performance.now() > deadline) {
          await program[Symbol.asyncDispose]();
          throw new Error(`Proxy did not start: ${program.complaints.join("\n")}`, { cause: error });
        }
        await pause(50);
      }
    }
  }

  /** Connects a TLS client that trusts the test's certificate. */
  connect(): Promise<Deno.TlsConn> {
    return Deno.connectTls({ hostname: "127.0.0.1", port: this.port, caCerts: [this.cert] });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}
