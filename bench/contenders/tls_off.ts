import { join, resolve } from "node:path";
import { BUN_FLAGS, parseStartCommand } from "../../scripts/start_task.ts";
import { PROXY_SUFFIX } from "../backends/files.ts";
import type { Contender, ProxySetup } from "./contender.ts";

/**
 * `tls-off[:RUNTIME[-ENGINE]][+OPTION…][@DIRECTORY]`, for example `tls-off:bun+metrics`, `tls-off:deno-node@../before`.
 */
const NAME = /^tls-off(?::(deno|bun-binary|bun|node|binary)(?:-(native|node))?)?((?:\+[a-z0-9]+)*)(?:@(.+))?$/;

/** Files that `deno task bundle` and `deno task build` make. */
const BUNDLE = "dist/tls-off.mjs";
const ARCHITECTURE = Deno.build.arch === "aarch64" ? "arm64" : "x64";
const MADE: Record<string, { file: string; task: string } | undefined> = {
  "bun": { file: BUNDLE, task: "bundle" },
  "node": { file: BUNDLE, task: "bundle" },
  "binary": { file: `dist/tls-off-linux-${ARCHITECTURE}`, task: "build" },
  "bun-binary": { file: `dist/tls-off-bun-linux-${ARCHITECTURE}`, task: "build" },
};

/** Deno does not tell the version of its library. */
const LIBRARIES: Record<string, string | string[]> = {
  deno: "rustls",
  bun: ["bun", "-p", "`BoringSSL ${process.versions.boringssl}`"],
  node: ["node", "-p", "`OpenSSL ${process.versions.openssl}`"],
};

const CONFIGURATION = "tls-off.toml";
const JOURNAL = "/run/systemd/journal/socket";

/** What may be turned on besides: the lines of configuration that this changes. */
const OPTIONS: Record<string, (setup: ProxySetup, lines: Lines) => Partial<Lines>> = {
  proxy: ({ backend }, { listener }) => ({
    listener: [
      ...listener.filter((line) => !line.startsWith("backend")),
      `backend = ${quoted(`unix:${backend}${PROXY_SUFFIX}`)}`,
      'proxy-protocol = "v2"',
    ],
  }),
  metrics: ({ folder }) => ({ admin: [`listen = ${quoted(`unix:${folder}/admin.sock`)}`] }),
  access: ({ folder }) => ({ log: ['level = "info"', `file = ${quoted(`${folder}/access.log`)}`] }),
  journal: () => ({ log: ['level = "info"', 'format = "journald"'] }),
  workers2: () => ({ top: ["workers = 2"] }),
};

/** Lines of a configuration file, by their place. */
interface Lines {
  top: string[];
  listener: string[];
  log: string[];
  admin: string[];
}

const quoted = (text: string) => JSON.stringify(text);

/** The configuration file: nothing is logged and nothing counted for anybody, but what the options turn on. */
function configuration(setup: ProxySetup, engine: string, options: string[]): string {
  const { port, backend, moreBackends = [], certificate, workers } = setup;
  const lines: Lines = {
    top: [`workers = ${workers}`],
    listener: [
      `listen = "127.0.0.1:${port}"`,
      `backend = [${[backend, ...moreBackends].map((path) => quoted(`unix:${path}`)).join(", ")}]`,
      `cert = ${quoted(certificate.cert)}`,
      `key = ${quoted(certificate.key)}`,
      `engine = ${quoted(engine)}`,
    ],
    log: ['level = "error"'],
    admin: [],
  };
  for (const option of options) Object.assign(lines, OPTIONS[option](setup, lines));
  const { top, listener, log, admin } = lines;
  return [...top, "[[listener]]", ...listener, "[log]", ...log, "[admin]", ...admin].join("\n") + "\n";
}

/**
 * How the task `start` of a directory's deno.json runs the program.
 *
 * @throws {Error} If there is no such task, or it needs a shell to be understood.
 */
export function readStartTask(denoJson: string, directory: string): { env: Record<string, string>; args: string[] } {
  const task = (JSON.parse(denoJson) as { tasks?: Record<string, string | { command: string }> }).tasks?.start;
  const command = parseStartCommand((typeof task === "string" ? task : task?.command) ?? "");
  if (command === null) {
    throw new Error(
      `Cannot start tls-off of ${directory}: task "start" in deno.json must be a plain "[NAME=value …] deno run …"`,
    );
  }
  return { env: command.environment, args: ["run", ...command.lock, ...command.flags, command.module] };
}

/**
 * The proxy from the sources in a directory, on one runtime and engine.
 *
 * @throws {RangeError} If the name is not of the form above.
 */
export function tlsOff(name: string, defaultDirectory: string): Contender {
  const match = NAME.exec(name);
  const options = match?.[3].split("+").filter((option) => option !== "") ?? [];
  if (!match || !options.every((option) => Object.hasOwn(OPTIONS, option))) {
    throw new RangeError(
      `Cannot bench contender ${quoted(name)}: expected tls-off[:deno|bun|node|binary|bun-binary[-native|-node]]` +
        `[+${Object.keys(OPTIONS).join("|+")}][@DIRECTORY]`,
    );
  }
  const runtime = match[1] ?? "deno";
  const engine = match[2] ?? (runtime === "node" ? "node" : "native");
  const directory = resolve(match[4] ?? defaultDirectory);
  const made = MADE[runtime] && { ...MADE[runtime], file: join(directory, MADE[runtime].file) };
  const isBinary = made?.task === "build";

  return {
    name,
    kind: options.length > 0 ? "variant" : "ours",
    tls: true,
    needs: [
      ...(isBinary ? [] : [{ command: runtime }]),
      ...(made ? [{ command: made.file, hint: `; deno task ${made.task} makes it` }] : []),
      ...(options.includes("proxy") ? [{ command: "nginx", packages: ["nginx"] }] : []),
      ...(options.includes("journal") ? [{ command: JOURNAL, hint: "; systemd-journald listens there" }] : []),
    ],
    made: made && { file: made.file, sources: join(directory, "src") },
    reloadSignal: "SIGHUP",
    library: LIBRARIES[made?.task === "build" ? (runtime === "bun-binary" ? "bun" : "deno") : runtime],
    version: isBinary ? [made.file, "version"] : [runtime, "--version"],
    async launch(setup) {
      const files = { [CONFIGURATION]: configuration(setup, engine, options) };
      const run = ["run", join(setup.folder, CONFIGURATION)];
      if (!made) {
        const { env, args } = readStartTask(await Deno.readTextFile(join(directory, "deno.json")), directory);
        return { command: "deno", args: [...args, ...run], env, cwd: directory, files };
      }
      return isBinary
        ? { command: made.file, args: run, files }
        : { command: runtime, args: [...(runtime === "bun" ? BUN_FLAGS : []), made.file, ...run], files };
    },
  };
}
