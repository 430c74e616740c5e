import { describeCapabilities } from "../../src/tls/capabilities.ts";
import { toMarkdown } from "./markdown.ts";
import { referenceSections } from "./model.ts";

/** What is written between the marks `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
const PARTS: [name: string, write: () => string][] = [
  ["engines", describeCapabilities],
  ["reference", () => toMarkdown(referenceSections())],
];

/**
 * The README with its generated parts written anew, formatted as the rest of the repository is.
 * @throws {SyntaxError} where the marks are not there
 */
export async function updateReadme(readme: string): Promise<string> {
  let updated = readme;
  for (const [name, write] of PARTS) updated = replacePart(updated, name, write());
  return await format(updated);
}

function replacePart(readme: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new SyntaxError(`Cannot update README.md: no ${begin} and ${end} in it`);
  return `${readme.slice(0, from)}${begin}\n\n${text}\n\n${readme.slice(to)}`;
}

async function format(markdown: string): Promise<string> {
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: new URL("../../", import.meta.url).pathname,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = formatter.output();
  const input = formatter.stdin.getWriter();
  await input.write(new TextEncoder().encode(markdown));
  await input.close();
  const { code, stdout } = await output;
  if (code !== 0) throw new Error(`Cannot format README.md: deno fmt ended with ${code}`);
  return new TextDecoder().decode(stdout);
}
