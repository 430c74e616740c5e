import { freePort } from "../../../bench/lab/free_port.ts";
import { runPeer } from "../peers/peers.ts";
import { until } from "../wait.ts";

/**
 * Where Debian has the programs of PostgreSQL's server, which are not in the search path; `null` where there are none.
 */
export function postgresPrograms(): string | null {
  try {
    const [newest] = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => Number(name)).sort((a, b) => b - a);
    return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`;
  } catch {
    return null;
  }
}

/**
 * A PostgreSQL server on a Unix socket and a port, without TLS, which lets everybody in as `postgres`. It does not run
 * as root.
 */
export class Postgres implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, readonly folder: string, readonly port: number) {
    this.#child = child;
  }

  get address(): string {
    return `unix:${socketPath(this.folder, this.port)}`;
  }

  get tcpAddress(): string {
    return `127.0.0.1:${this.port}`;
  }

  static async start(): Promise<Postgres> {
    const programs = postgresPrograms()!;
    const folder = Deno.makeTempDirSync({ prefix: "tls-off-postgres-" });
    await runPeer("chown", ["postgres", folder]);
    const asPostgres = (
      program: string,
      ...args: string[]
    ) => ["-u", "postgres", "--", `${programs}/${program}`, ...args];
    await runPeer("runuser", asPostgres("initdb", "-D", `${folder}/data`, "-A", "trust", "-U", "postgres"));
    const port = freePort();
    const addresses = ["-k", folder, "-c", "listen_addresses=127.0.0.1", "-p", String(port)];
    const child = new Deno.Command("runuser", {
      args: asPostgres("postgres", "-D", `${folder}/data`, ...addresses),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => exists(socketPath(folder, port)), "PostgreSQL listens");
    return new Postgres(child, folder, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.folder, { recursive: true });
  }
}

function socketPath(folder: string, port: number): string {
  return `${folder}/.s.PGSQL.${port}`;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
