import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab/lab.ts";
import type { Spawned } from "../lab/spawned.ts";
import { findProgram } from "../lab/tools.ts";
import { parseLoadResult } from "./load_result.ts";
import type { LoadResult } from "./load_result.ts";

export interface LoadOptions {
  url: string;
  connections: number;
  /** It ends by itself after that. */
  durationMs: number;
  /** POST a body of that many bytes instead of a GET. */
  postBytes?: number;
  /** Mean pause of a connection before each request. */
  thinkMs?: number;
}

/** A running load generator. */
export interface Load {
  process: Spawned;
  /** Ends it now, and returns what it measured. */
  finish(): Promise<LoadResult>;
}

const WRK_SCRIPT = fileURLToPath(new URL("./wrk.lua", import.meta.url));
const BUILTIN = fileURLToPath(new URL("./builtin_program.ts", import.meta.url));

/** The name of the generator that {@linkcode startLoad} takes: `wrk`, or `builtin` where that is not installed. */
export function loadGenerator(): "wrk" | "builtin" {
  return findProgram("wrk") ? "wrk" : "builtin";
}

/** What starts `wrk`, one thread. It knows whole seconds only; SIGINT ends it sooner. */
function wrkCommand({ url, connections, durationMs, postBytes, thinkMs }: LoadOptions): string[] {
  const seconds = Math.ceil(durationMs / 1000);
  return [
    ...["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", WRK_SCRIPT, url, "--"],
    ...(postBytes === undefined ? [] : [`post=${postBytes}`]),
    ...(thinkMs ? [`think=${thinkMs}`, `connections=${connections}`] : []),
  ];
}

function builtinCommand(options: LoadOptions, ca: string): string[] {
  return [
    ...[Deno.execPath(), "run", "--no-config", "--no-prompt", "--allow-net", "--allow-read", BUILTIN],
    JSON.stringify({ ...options, ca }),
  ];
}

/** Starts the load generator on its CPU. */
export async function startLoad(lab: Lab, options: LoadOptions): Promise<Load> {
  const log = join(await lab.makeFolder("load"), "output.log");
  const [command, ...args] = loadGenerator() === "wrk"
    ? wrkCommand(options)
    : builtinCommand(options, lab.certificates.ecdsa.ca);
  const process = lab.spawn(command, args, { cpus: lab.cpus.load, log });
  return {
    process,
    async finish() {
      process.signal("SIGINT");
      await process.ended;
      return parseLoadResult(await Deno.readTextFile(log));
    },
  };
}
