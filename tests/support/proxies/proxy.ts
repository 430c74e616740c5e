import { stringify } from "@std/toml";
import { makeSelfSigned } from "../../../src/tls/certificates/self_signed.ts";
import { type LogRecord, Program } from "./program.ts";

let certificate: Promise<{ cert: string; key: string }> | undefined;

/** Returns a self-signed certificate for `localhost`, which is made once for each test process. */
export function testCertificate(): Promise<{ cert: string; key: string }> {
  return certificate ??= makeSelfSigned({ hosts: ["localhost", "127.0.0.1", "::1"] });
}

/** A temporary directory of a test, which is removed with everything in it. */
export class TempDir {
  readonly path: string = Deno.makeTempDirSync({ prefix: "tls-off-test-" });

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

export interface ProxyOptions {
  /** Keys of the only listener, which override the defaults of the tests; `timeouts` and `limits` are tables. */
  listener?: Record<string, unknown>;
  /** Top-level keys and tables. */
  config?: Record<string, unknown>;
  openFiles?: number;
  env?: Record<string, string>;
  /** These as in {@linkcode Program}. */
  main?: string;
  command?: string[];
  prefix?: string[];
}

/** The real program in front of `backend`, on a free port, with one worker unless the test says otherwise. */
export class Proxy implements AsyncDisposable {
  /** The address that clients connect to. */
  hostname = "127.0.0.1";

  private constructor(
    readonly dir: TempDir,
    readonly program: Program,
    readonly port: number,
    readonly cert: string,
  ) {}

  static async start(dir: TempDir, backend: string | string[], options: ProxyOptions = {}): Promise<Proxy> {
    const { cert, key } = await testCertificate();
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
    Deno.writeTextFileSync(
      dir.file("proxy.toml"),
      stringify({
        workers: 1,
        ...options.config,
        log: { format: "json", level: "debug", ...(options.config?.log as object | undefined) },
        listener: [{
          name: "web",
          listen: "127.0.0.1:0",
          backend,
          cert: "cert.pem",
          key: "key.pem",
          ...options.listener,
        }],
      }),
    );
    const program = new Program([dir.file("proxy.toml")], options);
    try {
      const { address } = await program.record(({ event }) => event === "listening", "listening record");
      await program.record(({ event }) => event === "ready", "ready record");
      return new Proxy(dir, program, Number(String(address).split(":").at(-1)), cert);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Connects a TLS client that trusts the test's certificate. */
  connect(options: Partial<Deno.ConnectTlsOptions> = {}): Promise<Deno.TlsConn> {
    return Deno.connectTls({ hostname: this.hostname, port: this.port, caCerts: [this.cert], ...options });
  }

  /** Connects a client that has not begun its TLS. */
  connectTcp(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: this.hostname, port: this.port });
  }

  /** Sets the number of workers in the configuration, for the next reload. */
  setWorkers(workers: number): void {
    const file = this.dir.file("proxy.toml");
    Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace(/^workers = \d+$/m, `workers = ${workers}`));
  }

  /** Makes the program load everything anew. Resolves with the record of the result. */
  async reload(): Promise<LogRecord> {
    const seen = new Set(this.program.records);
    this.program.signal("SIGHUP");
    const ends = ["reload", "reload-failed", "reload-ignored"];
    return await this.program.record(
      (record) => !seen.has(record) && ends.includes(record.event!),
      "end of the reload",
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}
