import { runPeer } from "../peers/peers.ts";
import { postgresPrograms } from "./postgres.ts";

/** The first whose client can begin with TLS (`sslnegotiation=direct`). */
const LEAST_VERSION = 17;

/** Finds a psql that is new enough: the one that TLS_OFF_PSQL names, Debian's newest, or the one on the PATH. */
export function findPsql(): string | null {
  for (const path of [Deno.env.get("TLS_OFF_PSQL"), postgresPrograms()?.concat("/psql"), "psql"]) {
    if (path && versionOf(path) >= LEAST_VERSION) return path;
  }
  return null;
}

function versionOf(path: string): number {
  try {
    const { stdout } = new Deno.Command(path, { args: ["--version"] }).outputSync();
    return Number(/\(PostgreSQL\) (\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Runs psql to its end.
 * @param connection parameters of libpq
 * @param script commands of SQL and of psql, and the rows that `\copy … from stdin` reads
 * @returns what it wrote: rows without alignment, one a line
 */
export async function runPsql(
  path: string,
  connection: string,
  script: string,
): Promise<{ text: string; errors: string }> {
  const args = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", connection];
  return await runPeer(path, args, new TextEncoder().encode(script));
}
