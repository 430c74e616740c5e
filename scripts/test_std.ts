/**
 * Checks all code, and runs the tests of whatever uses `@std`, with the original packages in the place of their
 * equivalents in `src/imports.json`. TLS_OFF_STD names a folder with the sources of github.com/denoland/std, in which
 * `cli`, `toml`, `log` and what they import have a folder each. `log` was last there in the commit before 2e717fdfe.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import npm from "../src/imports.json" with { type: "json" };

const TESTS = ["tests/cli", "tests/config", "tests/log", "tests/std"];

const root = Deno.env.get("TLS_OFF_STD") ?? "";
const absent = ["cli", "toml", "log"].filter((name) => !existsSync(join(root, name, "deno.json")));
if (root === "" || absent.length > 0) {
  const found = root === "" ? "it is not set" : `"${root}" has no folder ${absent.join(", ")}`;
  console.error(`TLS_OFF_STD must name the sources of @std (see scripts/test_std.ts): ${found}`);
  Deno.exit(2);
}

const map = await Deno.makeTempFile({ prefix: "tls-off-std-", suffix: ".json" });
try {
  Deno.writeTextFileSync(map, JSON.stringify({ imports: { ...originals(resolve(root)), ...others() } }));
  const code = await run("check", `--import-map=${map}`, ".") ||
    await run("run", "-A", "scripts/test.ts", `--import-map=${map}`, ...TESTS);
  Deno.exitCode = code;
} finally {
  Deno.removeSync(map);
}

/** Each module that a package of the folder exports, by the name under which it is imported. */
function originals(root: string): Record<string, string> {
  const imports: Record<string, string> = {};
  for (const { name: folder } of Deno.readDirSync(root)) {
    const file = join(root, folder, "deno.json");
    if (!existsSync(file)) continue;
    const { name, exports } = JSON.parse(Deno.readTextFileSync(file));
    for (const [path, module] of Object.entries(typeof exports === "string" ? { ".": exports } : exports)) {
      imports[name + path.slice(1)] = pathToFileURL(join(root, folder, module as string)).href;
    }
  }
  return imports;
}

/** The imports that are not of `@std`, unchanged. */
function others(): Record<string, string> {
  return Object.fromEntries(Object.entries(npm.imports).filter(([name]) => !name.startsWith("@std/")));
}

/** Runs Deno in the project's folder, and returns its exit code. */
async function run(...args: string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: new URL("..", import.meta.url).pathname,
    env: { TLS_OFF_STD: resolve(root) },
  }).spawn().status;
  return code;
}
