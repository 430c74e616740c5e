import { join, resolve } from "node:path";
import type { Contender } from "./contender.ts";

/** `tls-off[:RUNTIME[-ENGINE]][@DIRECTORY]`, for example `tls-off`, `tls-off:bun`, `tls-off:deno-node@../before`. */
const NAME = /^tls-off(?::(deno|bun|node|binary)(?:-(native|node))?)?(?:@(.+))?$/;

/** Files that `deno task bundle` and `deno task build` make. */
const BUNDLE = "dist/tls-off.mjs";
const BINARY = "dist/tls-off";

/**
 * The words of the `start` task after `deno`: it alone says which permissions the program gets.
 *
 * @throws {Error} If there is no such task, or it needs a shell to be understood.
 */
export function startArguments(denoJson: string, directory: string): string[] {
  const task = (JSON.parse(denoJson) as { tasks?: Record<string, string | { command: string }> }).tasks?.start;
  const command = typeof task === "string" ? task : task?.command;
  const [program, ...args] = command?.trim().split(/\s+/) ?? [];
  if (program !== "deno" || /["'$`|&;<>]/.test(command ?? "")) {
    throw new Error(`Cannot start tls-off of ${directory}: task "start" in deno.json must be a plain "deno run …"`);
  }
  return args;
}

/**
 * The proxy from the sources in a directory, on one runtime and engine.
 *
 * @throws {RangeError} If the name is not of the form above.
 */
export function tlsOff(name: string, defaultDirectory: string): Contender {
  const match = NAME.exec(name);
  if (!match) {
    throw new RangeError(
      `Cannot bench contender ${
        JSON.stringify(name)
      }: expected tls-off[:deno|bun|node|binary[-native|-node]][@DIRECTORY]`,
    );
  }
  const runtime = match[1] ?? "deno";
  const engine = match[2] ?? (runtime === "node" ? "node" : "native");
  const directory = resolve(match[3] ?? defaultDirectory);
  const made = runtime === "deno" ? undefined : join(directory, runtime === "binary" ? BINARY : BUNDLE);

  return {
    name,
    kind: "ours",
    tls: true,
    needs: [
      ...(runtime === "binary" ? [] : [{ command: runtime }]),
      ...(made ? [{ command: made, hint: `; deno task ${runtime === "binary" ? "build" : "bundle"} makes it` }] : []),
    ],
    made: made ? { file: made, sources: join(directory, "src") } : undefined,
    reloadSignal: "SIGHUP",
    version: runtime === "binary" && made ? [made, "version"] : [runtime, "--version"],
    async launch({ port, backend, moreBackends = [], certificate, workers = 1 }) {
      const options = [
        ...["run", "--listen", `127.0.0.1:${port}`],
        ...[backend, ...moreBackends].flatMap((path) => ["--backend", `unix:${path}`]),
        ...["--cert", certificate.cert, "--key", certificate.key],
        ...["--workers", String(workers), "--engine", engine, "--log-level", "error"],
      ];
      if (!made) {
        const start = startArguments(await Deno.readTextFile(join(directory, "deno.json")), directory);
        return { command: "deno", args: [...start, ...options], cwd: directory };
      }
      return runtime === "binary" ? { command: made, args: options } : { command: runtime, args: [made, ...options] };
    },
  };
}
