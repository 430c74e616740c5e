import { BUN_VERSION } from "../../../scripts/build/versions.ts";
import { BUN_FLAGS } from "../../../scripts/start_task.ts";
import type { EngineName, RuntimeName } from "../../../src/runtimes/name.ts";
import { programCommand, sourceCommand } from "./program.ts";

/** An engine on a runtime that tests run. */
export interface Contender {
  runtime: RuntimeName;
  engine: EngineName;
}

/** Every engine on every runtime. */
export const CONTENDERS: Contender[] = [
  { runtime: "deno", engine: "native" },
  { runtime: "deno", engine: "node" },
  { runtime: "bun", engine: "native" },
  { runtime: "bun", engine: "node" },
  { runtime: "node", engine: "node" },
];

const ROOT = new URL("../../../", import.meta.url).pathname;
/** npm brings it where it is not installed. */
const BUN = `bun@${BUN_VERSION}`;

/** Several workers share a port on it. */
const NODE = "node@24.21.0";

let asked: Promise<Contender["runtime"]> | undefined;

/** Returns the runtime of the program under test: Deno from source, else that of the binary that TLS_OFF_BIN names. */
export function programRuntime(): Promise<Contender["runtime"]> {
  return asked ??= (async () => {
    const [command, ...args] = programCommand();
    const [, runtime] = /^runtime (deno|bun|node) /m.exec(await output(command, [...args, "version"])) ?? [];
    return runtime as Contender["runtime"];
  })();
}

/**
 * Returns the command that runs the program on a runtime: the binary that TLS_OFF_BIN names, where it has that runtime,
 * else the source on Deno and the bundle on the others.
 */
export async function runtimeCommand(runtime: Contender["runtime"]): Promise<string[]> {
  if (runtime === await programRuntime()) return programCommand();
  if (runtime === "deno") return sourceCommand("src/main.ts");
  const file = await bundle();
  return runtime === "node" ? ["node", file] : [await bunProgram(), ...BUN_FLAGS, file];
}

/** Returns the command that runs the bundle on a version of Node whose workers share ports. */
export async function sharingNodeCommand(): Promise<string[]> {
  const path = await output("npx", ["-y", NODE, "-e", "console.log(process.execPath)"]);
  return [path, await bundle()];
}

let bundled: Promise<string> | undefined;
let bunPath: Promise<string> | undefined;

/** Returns the path of the bundle, which is made once for each test process and removed when that ends. */
function bundle(): Promise<string> {
  return bundled ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "tls-off-bundle-" });
    addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    const file = `${directory}/tls-off.mjs`;
    await output(Deno.execPath(), ["run", "-A", `${ROOT}scripts/bundle.ts`, file]);
    return file;
  })();
}

/** Returns the path of npm's Bun binary. Signals would go to the wrapper that npm starts it by. */
export function bunProgram(): Promise<string> {
  return bunPath ??= output("npx", ["-y", BUN, "-e", "console.log(process.execPath)"]);
}

async function output(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${text(stderr)}`);
  return text(stdout);
}
