import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Spawned } from "../spawned.ts";

export interface HandshakeLoad {
  processes: Spawned[];
  /** Stops the generators and counts what they saw. */
  finish(): Promise<{ full: number; resumed: number }>;
}

/** Counts the marks that `openssl s_time` prints for each connection: `r` for a resumed one, `*` for a full
 * one of TLS 1.3. */
export function countMarks(output: string): { full: number; resumed: number } {
  const marks = /^[*r]+$/m.exec(output)?.[0] ?? "";
  const resumed = marks.replaceAll("*", "").length;
  return { full: marks.length - resumed, resumed };
}

/**
 * Opens connections as fast as `openssl s_time` does, a few of them at a time: TCP, TLS 1.3 handshake, one small answer,
 * close. (`wrk` with `Connection: close` would not do: it resumes sessions, silently.)
 */
export async function startHandshakes(
  lab: Lab,
  options: { port: number; resume: boolean; parallel: number; durationMs: number },
): Promise<HandshakeLoad> {
  const folder = await lab.makeFolder("s_time");
  const seconds = Math.ceil(options.durationMs / 1000) + 1;
  const logs = Array.from({ length: options.parallel }, (_, index) => join(folder, `${index}.log`));
  const processes = logs.map((log) =>
    lab.spawn("openssl", [
      ...["s_time", "-connect", `127.0.0.1:${options.port}`, options.resume ? "-reuse" : "-new"],
      ...["-www", "/10", "-tls1_3", "-time", String(seconds)],
    ], { cpus: lab.cpus.load, log })
  );
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
