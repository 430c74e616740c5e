/**
 * Writes the whole program as one JavaScript file that runs on Deno, Bun and Node: `dist/tls-off.mjs`, or the path
 * given. The name ends in `.mjs` because Node takes a `.js` outside of a package for CommonJS.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withoutCachePaths } from "./build/bundle_text.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = resolve(Deno.args[0] ?? `${root}/dist/tls-off.mjs`);

await mkdir(dirname(output), { recursive: true });
const { code } = await new Deno.Command(Deno.execPath(), {
  args: [
    ...["bundle", "--quiet", "--lock=src/deno.lock", "--frozen", "--platform", "deno", "--format", "esm"],
    ...["--output", output, "src/main.ts"],
  ],
  cwd: root,
}).spawn().status;
if (code !== 0) Deno.exit(code);

await writeFile(output, withoutCachePaths(await readFile(output, "utf8")));
