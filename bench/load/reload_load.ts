import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab/lab.ts";
import type { ReloadResult } from "./reload_load_program.ts";

const PROGRAM = fileURLToPath(new URL("./reload_load_program.ts", import.meta.url));

/** Starts short connections and lasting ones, to see which of them a reload drops. */
export async function startReloadLoad(lab: Lab, port: number): Promise<{ finish(): Promise<ReloadResult> }> {
  const log = join(await lab.makeFolder("reload-load"), "output.log");
  const process = lab.spawn(Deno.execPath(), [
    ...["run", "--no-config", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", PROGRAM],
    ...[String(port), lab.certificates.ecdsa.ca],
  ], { cpus: lab.cpus.load, log });
  return {
    async finish() {
      process.signal("SIGINT");
      await process.ended;
      const line = (await Deno.readTextFile(log)).split("\n").find((line) => line.startsWith("RESULT "));
      if (!line) throw new Error(`Cannot read the reload's load\n${await process.lastWords()}`);
      return JSON.parse(line.slice("RESULT ".length));
    },
  };
}
