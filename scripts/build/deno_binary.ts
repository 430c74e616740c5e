import { basename, dirname } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { parseStartCommand, START_COMMAND } from "../start_task.ts";
import { BuildError, MissingBaseError } from "./build_error.ts";
import type { DenoBase } from "./base/deno_base.ts";
import type { DenoCompiler } from "./base/deno_compiler.ts";
import { askProduct } from "./product.ts";
import { runCommand, tellingLine } from "./run_command.ts";
import { PROGRAM_FILE } from "./split_bundle.ts";
import type { Target } from "./target.ts";

/**
 * What the compiler may know of this environment: where programs and its cache are, and how to reach its download site.
 * Anything else would be a chance for the binary to differ: it carries what OTEL_DENO says, for one.
 */
const COMPILER_ENVIRONMENT = [
  ...["PATH", "HOME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "DENO_CERT"],
  "DENO_TLS_CA_STORE",
];

/**
 * The permissions and engine flags that the program ships with: those of `deno task start`. What that sets in the
 * environment, a binary does for itself, in threads of its own.
 */
export function shippedFlags(command: string = START_COMMAND): string[] {
  const parsed = parseStartCommand(command);
  if (parsed === null || parsed.module !== "src/main.ts" || !parsed.flags.every((flag) => flag.startsWith("--"))) {
    throw new BuildError(`Cannot read the flags of task "start": must be "deno run --flags src/main.ts"`);
  }
  return parsed.flags;
}

/**
 * The command that makes a Deno binary.
 *
 * @param bundle the folder with the bundle in several files, relative to where the command has to run
 */
export function denoCompileCommand(compiler: DenoCompiler, bundle: string, output: string, target: Target): string[] {
  return [
    compiler.path,
    "compile",
    // The bundle needs nothing else of deno.json. Its import map and tasks would only be embedded.
    "--no-config",
    // Else the binary runs the code that it finds in a file of the temporary folder, whoever wrote that.
    "--no-code-cache",
    ...manifest.unstable.map((feature) => `--unstable-${feature}`),
    ...shippedFlags(),
    ...(compiler.takesAppName ? ["--app-name=tls-off"] : []),
    `--target=${target.denoTarget}`,
    `--output=${output}`,
    // What is imported when it is needed, and what workers begin with.
    `--include=${bundle}`,
    `${bundle}/${PROGRAM_FILE}`,
  ];
}

/**
 * Runs the compiler. Where it fails, no incomplete file is left.
 * @param bundle the folder of {@linkcode makeSplitBundle}
 * @param output an absolute path
 * @param environment this process's variables, of which the compiler gets what it needs
 */
export async function denoCompile(
  compiler: DenoCompiler,
  bundle: string,
  output: string,
  target: Target,
  base: DenoBase | null,
  environment: Record<string, string> = Deno.env.toObject(),
): Promise<{ code: number; output: string }> {
  await removeProduct(output);
  const inherited = Object.entries(environment).filter(([name]) => COMPILER_ENVIRONMENT.includes(name));
  const env = {
    ...Object.fromEntries(inherited),
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    // The variable is left out rather than empty: with an empty name Deno would not look into its cache.
    ...(base ? { DENORT_BIN: base.path } : {}),
  };
  const outcome = await runCommand(denoCompileCommand(compiler, basename(bundle), output, target), {
    cwd: dirname(bundle),
    env,
    clearEnv: true,
  });
  if (outcome.code !== 0) await removeProduct(output);
  return outcome;
}

/**
 * Makes the binary for one target, and asks it for its version.
 * @returns what it runs on, such as `deno 2.9.6`; `null` where this machine cannot run it
 * @throws {MissingBaseError} where there is no base
 * @throws {BuildError} where the base is a wrong one
 */
export async function buildDenoBinary(
  compiler: DenoCompiler,
  bundle: string,
  output: string,
  target: Target,
  base: DenoBase | null,
): Promise<string | null> {
  const { code, output: said } = await denoCompile(compiler, bundle, output, target, base);
  const name = output.slice(output.lastIndexOf("/") + 1);
  if (code !== 0) throw compileError(compiler, name, target, base, said);
  try {
    const report = await askProduct(output, target);
    if (report !== null && report.runtime !== `deno ${compiler.version}`) {
      throw new Error(`it runs on ${report.runtime}`);
    }
    return report?.runtime ?? null;
  } catch (error) {
    await removeProduct(output);
    const from = base === null ? "Deno's own base" : `${base.variable}="${base.cutFrom ?? base.path}"`;
    throw new BuildError(
      `Cannot use ${from}: what it makes is not tls-off, ${(error as Error).message}: ` +
        `must be denort of Deno ${compiler.version}, or a program that its deno compile made`,
    );
  }
}

/** Explains a failure of `deno compile` by its output. */
export function compileError(
  compiler: DenoCompiler,
  name: string,
  target: Target,
  base: DenoBase | null,
  said: string,
): BuildError {
  const isMissing = base === null && /base binary|denort/.test(said);
  if (!isMissing) return new BuildError(`Cannot make ${name}: deno compile: ${tellingLine(said)}`);
  const [, url] = /(?:request for url|Download) \(?(https?:[^\s)]+)/.exec(said) ?? [];
  const failure = url === undefined ? `could not be downloaded (${tellingLine(said)})` : `${url} cannot be reached`;
  return new MissingBaseError(
    `Cannot make ${name}: no compile base of Deno ${compiler.version} (denort) for ${target.denoTarget}: ` +
      `it is not in Deno's cache, and ${failure}: set DENORT_BIN_${target.name.toUpperCase()}`,
  );
}

/** Removes the product, and the temporary files that a failed compile leaves beside it. */
async function removeProduct(output: string): Promise<void> {
  const [, directory, name] = /^(.*)\/([^/]+)$/.exec(output)!;
  for await (const entry of Deno.readDir(directory)) {
    if (entry.name === name || entry.name.startsWith(`${name}.tmp-`)) await Deno.remove(`${directory}/${entry.name}`);
  }
}
