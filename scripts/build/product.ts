import manifest from "../../deno.json" with { type: "json" };
import { runCommand, tellingLine } from "./run_command.ts";
import { HOST, productCommand, type Target } from "./target.ts";

/** What a product reports about itself. */
export interface ProductReport {
  /** Such as `deno 2.9.6`. */
  runtime: string;
}

/**
 * Asks a product for its name and version, in an empty directory and without any environment: whatever it was made of,
 * only running it shows whether it became this program.
 *
 * @returns `null` where this machine cannot run it
 * @throws {Error} saying what it did instead
 */
export async function askProduct(path: string, target: Target): Promise<ProductReport | null> {
  const directory = await Deno.makeTempDir();
  try {
    const { code, output } = await runCommand([...productCommand(path, target), "version"], {
      cwd: directory,
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin" },
      timeoutMs: 60_000,
    });
    if (code === -1 && target.name !== HOST) return null;
    const [, version, runtime] = /^tls-off (\S+)\nruntime (\w+ \S+)/.exec(output) ?? [];
    if (code !== 0 || version === undefined) throw new Error(`it ended with ${code}: ${tellingLine(output)}`);
    if (version !== manifest.version) throw new Error(`it is version ${version}, not ${manifest.version}`);
    return { runtime };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
