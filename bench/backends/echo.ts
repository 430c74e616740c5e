import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../lab/free_port.ts";
import type { Lab } from "../lab/lab.ts";
import type { Spawned } from "../lab/spawned.ts";
import { waitFor } from "../lab/wait.ts";

const APP = fileURLToPath(new URL("./echo_program.mjs", import.meta.url));

export type AppRuntime = "node" | "deno" | "bun";
export type AppMode = "http" | "https" | "sock";

/** The article's application, listening. */
export interface EchoApp {
  process: Spawned;
  port: number;
  /** Paths of Unix sockets in mode `sock`. */
  sockets: string[];
}

const COMMANDS: Record<AppRuntime, string[]> = {
  node: ["node"],
  deno: ["deno", "run", "--no-config", "--no-prompt", "-q"].concat(
    ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-run", "--allow-sys"],
  ),
  bun: ["bun"],
};

/** Starts the application on the CPUs that the load generator leaves free, one process for each. */
export async function startEchoApp(lab: Lab, runtime: AppRuntime, mode: AppMode): Promise<EchoApp> {
  const folder = await lab.makeFolder(`echo-${runtime}-${mode}`);
  const processes = lab.cpus.restCount;
  const port = freePort();
  const path = join(folder, "app.sock");
  const { cert, key } = lab.certificates.ecdsa;
  const [command, ...before] = COMMANDS[runtime];
  const address = { http: [String(port)], https: [String(port), cert, key], sock: [path] }[mode];
  const process = lab.spawn(command, [...before, APP, String(processes), mode, ...address], {
    cpus: lab.cpus.rest,
    log: join(folder, "output.log"),
  });
  const separate = runtime === "bun" && processes > 1;
  const sockets = mode !== "sock"
    ? []
    : separate
    ? Array.from({ length: processes }, (_, index) => `${path}.${index + 1}`)
    : [path];
  await waitFor(process, async () => {
    if (mode !== "sock") (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    for (const path of sockets) (await Deno.connect({ transport: "unix", path })).close();
    return true;
  });
  return { process, port, sockets };
}
