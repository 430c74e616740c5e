import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab/lab.ts";
import type { Spawned } from "../lab/spawned.ts";

export interface ConnectionOptions {
  port: number;
  /** False: plain connections, for the floor. */
  tls: boolean;
  /** Resume the session of the connection before. */
  resume: boolean;
  /** How many processes do so at once. */
  parallel: number;
  durationMs: number;
}

export interface ConnectionLoad {
  processes: Spawned[];
  /** Stops the generators and counts the handshakes that they saw. */
  finish(): Promise<{ full: number; resumed: number }>;
}

const PLAIN_PROGRAM = fileURLToPath(new URL("./plain_connections_program.ts", import.meta.url));

/** Counts the marks that `openssl s_time` prints: `r` for a resumed handshake, `*` for a full one of TLS 1.3. */
export function countMarks(output: string): { full: number; resumed: number } {
  const marks = /^[*r]+$/m.exec(output)?.[0] ?? "";
  const resumed = marks.replaceAll("*", "").length;
  return { full: marks.length - resumed, resumed };
}

/**
 * Opens connections one after the other, in a few processes: TCP, TLS 1.3 handshake, one answer of 10 bytes, close.
 *
 * By `openssl s_time`. (`wrk` with `Connection: close` would not do: it resumes sessions, silently.)
 */
export async function startConnections(lab: Lab, options: ConnectionOptions): Promise<ConnectionLoad> {
  const { port, tls, resume, parallel, durationMs } = options;
  const folder = await lab.makeFolder("connections");
  const seconds = Math.ceil(durationMs / 1000) + 2;
  const [command, ...args] = tls
    ? [
      ...["openssl", "s_time", "-connect", `127.0.0.1:${port}`, resume ? "-reuse" : "-new", "-tls1_3"],
      ...["-www", "/10", "-time", String(seconds)],
    ]
    : [Deno.execPath(), "run", "--no-config", "--no-prompt", "--allow-net=127.0.0.1", PLAIN_PROGRAM, String(port)];
  const logs = Array.from({ length: parallel }, (_, index) => join(folder, `${index}.log`));
  const processes = logs.map((log) => lab.spawn(command, args, { cpus: lab.cpus.load, log }));
  return {
    processes,
    async finish() {
      await Promise.all(processes.map((process) => process.stop()));
      const sum = { full: 0, resumed: 0 };
      for (const log of logs) {
        const { full, resumed } = countMarks(await Deno.readTextFile(log));
        sum.full += full;
        sum.resumed += resumed;
      }
      return sum;
    },
  };
}
