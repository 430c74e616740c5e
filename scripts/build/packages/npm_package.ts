import manifest from "../../../deno.json" with { type: "json" };
import { ROOT } from "../../reference/inventory.ts";
import type { PackageOptions } from "./packages.ts";

/** The oldest Node that the bundle runs on. */
const NODE = ">=20";

/**
 * Makes `npm/` in the build's folder: what `npm pack` and `npm publish` take. The bundle is the program, and has no
 * parts.
 */
export async function makeNpmPackage({ directory }: PackageOptions): Promise<void> {
  const folder = `${directory}/npm`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const bundle = await Deno.readTextFile(`${directory}/tls-off.mjs`);
  await Deno.writeTextFile(`${folder}/tls-off.mjs`, `#!/usr/bin/env node\n${bundle}`, { mode: 0o755 });
  await Deno.copyFile(`${directory}/LICENSES`, `${folder}/LICENSE`);
  await Deno.copyFile(`${ROOT}README.md`, `${folder}/README.md`);
  const description = {
    name: "tls-off",
    version: manifest.version,
    description: "A TLS-terminating proxy: accepts TLS and forwards the decrypted bytes to an application",
    license: manifest.license,
    type: "module",
    bin: { "tls-off": "tls-off.mjs" },
    files: ["tls-off.mjs"],
    engines: { node: NODE },
    os: ["linux"],
    keywords: ["tls", "proxy", "termination", "acme", "proxy-protocol"],
  };
  await Deno.writeTextFile(`${folder}/package.json`, `${JSON.stringify(description, null, 2)}\n`);
}
