import { describeCapabilities } from "../../src/tls/capabilities.ts";
import { ROOT } from "./inventory.ts";
import { toMarkdown } from "./markdown.ts";
import { referenceSections } from "./model.ts";

/** Path of the page that {@linkcode writePage} is for. */
export const PAGE = `${ROOT}scripts/reference/README.md`;

const INTRODUCTION = "Generated from the code by `deno task reference`; the man page tls-off(1) has the same. " +
  "What the program is for is in the [README](../../README.md).";

const ENGINES =
  "TLS is done by one of two engines. `native` is the runtime's own TLS listener, `node` is `node:tls`. " +
  'With `engine = "auto"` a listener gets `native` where that can do all that the listener asks, else `node`.';

/** Writes the whole reference as a page of Markdown, formatted as the rest of the repository is. */
export async function writePage(): Promise<string> {
  const sections = referenceSections().map((section) => toMarkdown([section]));
  const engines = `## Engines\n\n${ENGINES}\n\n${describeCapabilities()}`;
  const [commands, configuration, ...others] = sections;
  return await format(["# Reference", INTRODUCTION, commands, configuration, engines, ...others].join("\n\n"));
}

async function format(markdown: string): Promise<string> {
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = formatter.output();
  const input = formatter.stdin.getWriter();
  await input.write(new TextEncoder().encode(markdown));
  await input.close();
  const { code, stdout } = await output;
  if (code !== 0) throw new Error(`Cannot format the reference: deno fmt ended with ${code}`);
  return new TextDecoder().decode(stdout);
}
