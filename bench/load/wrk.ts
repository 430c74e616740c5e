import { fileURLToPath } from "node:url";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Spawned } from "../spawned.ts";
import { parseLoadResult } from "./load_result.ts";
import type { LoadResult } from "./load_result.ts";

export interface LoadOptions {
  url: string;
  connections: number;
  durationMs: number;
  /** POST a body of that many bytes instead of a GET. */
  postBytes?: number;
  /** Mean pause of a connection before each request. */
  thinkMs?: number;
}

/** A load generator at work. */
export interface Load {
  process: Spawned;
  /** Resolves when it has ended. */
  result: Promise<LoadResult>;
}

const SCRIPT = fileURLToPath(new URL("./wrk.lua", import.meta.url));

/** Starts `wrk`, one thread. It knows whole seconds only. */
export async function startWrk(lab: Lab, options: LoadOptions): Promise<Load> {
  const log = join(await lab.makeFolder("wrk"), "output.log");
  const script = [
    ...(options.postBytes === undefined ? [] : [`post=${options.postBytes}`]),
    ...(options.thinkMs ? [`think=${options.thinkMs}`, `connections=${options.connections}`] : []),
  ];
  const seconds = Math.ceil(options.durationMs / 1000);
  const process = lab.spawn(
    "wrk",
    [
      ...["-t1", `-c${options.connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", SCRIPT, options.url],
      ...["--", ...script],
    ],
    { cpus: lab.cpus.load, log },
  );
  const result = process.ended.then(async () => parseLoadResult(await Deno.readTextFile(log)));
  // Whoever awaits it later gets the error; nobody does when the measure fails before.
  result.catch(() => {});
  return { process, result };
}
