/**
 * Makes `src/admin/page/page_generated.ts`: the live page as one file, with its script, its style and uPlot inside.
 * `--check` fails where it is not up to date. Run by `deno task build:page`.
 */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";

const PAGE = new URL("../src/admin/page/", import.meta.url);
const TARGET = new URL("page_generated.ts", PAGE);

async function bundle(entry: URL): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--lock=deno.lock", "--frozen", "--platform", "browser", "--minify", entry.pathname],
    cwd: new URL("..", import.meta.url),
  }).output();
  if (!success) throw new Error(`Cannot bundle ${entry.pathname}: ${new TextDecoder().decode(stderr)}`);
  const script = new TextDecoder().decode(stdout).trim();
  if (script.includes("</script")) throw new Error("Cannot inline the script: it has </script in it");
  return script;
}

async function style(): Promise<string> {
  // The name is no literal in the import, so that the file of the package is only looked for when this runs.
  const library = "uplot/dist/uPlot.min.css";
  const { default: text } = await import(library, { with: { type: "text" } });
  const own = await readFile(new URL("page.css", PAGE), "utf8");
  return `${text.trim()}\n${own.trim()}`;
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

const [script, css, template] = await Promise.all([
  bundle(new URL("main.ts", PAGE)),
  style(),
  readFile(new URL("page.html", PAGE), "utf8"),
]);
const html = template
  .replace("<!-- STYLE -->", () => `<style>${css}</style>`)
  .replace("<!-- SCRIPT -->", () => `<script type="module">${script}</script>`);
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(css)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
const generated = `// Made by scripts/build_page.ts from the files beside it and uPlot
// (Copyright (c) 2022 Leon Sorokin, MIT license, https://github.com/leeoniya/uPlot).
// deno-fmt-ignore-file
// deno-lint-ignore-file

/** The live page. */
export const PAGE = ${JSON.stringify(html)};

/** Its Content-Security-Policy: its own script and style, and no address but its own. */
export const PAGE_POLICY = ${JSON.stringify(policy)};
`;

if (process.argv.includes("--check")) {
  if (await readFile(TARGET, "utf8") !== generated) {
    console.error("src/admin/page/page_generated.ts is not up to date: run deno task build:page");
    process.exit(1);
  }
} else {
  await writeFile(TARGET, generated);
  console.log(`page: ${html.length} bytes`);
}
