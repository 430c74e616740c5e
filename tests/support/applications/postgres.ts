import { runPeer } from "../peers/peers.ts";
import { until } from "../wait.ts";

/** Where Debian has the programs of PostgreSQL's server, which are not in the search path; `null` where there are none. */
export function postgresPrograms(): string | null {
  try {
    const [newest] = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => Number(name)).sort((a, b) => b - a);
    return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`;
  } catch {
    return null;
  }
}

/** A PostgreSQL server on a Unix socket, without TLS, which lets everybody in as `postgres`. It does not run as root. */
export class Postgres implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, readonly folder: string, readonly address: string) {
    this.#child = child;
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
    const child = new Deno.Command("runuser", {
      args: asPostgres("postgres", "-D", `${folder}/data`, "-k", folder, "-c", "listen_addresses="),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const path = `${folder}/.s.PGSQL.5432`;
    await until(() => exists(path), "PostgreSQL listens");
    return new Postgres(child, folder, `unix:${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.folder, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
