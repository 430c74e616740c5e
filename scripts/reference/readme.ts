import { toMarkdown } from "./markdown.ts";
import { referenceSections } from "./model.ts";

const BEGIN = "<!-- reference:begin -->";
const END = "<!-- reference:end -->";

/**
 * The README with its generated part written anew, formatted as the rest of the repository is.
 * @throws {SyntaxError} where the marks are not there
 */
export async function updateReadme(readme: string): Promise<string> {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new SyntaxError(`Cannot update README.md: no ${BEGIN} and ${END} in it`);
  const reference = toMarkdown(referenceSections());
  return await format(`${readme.slice(0, begin)}${BEGIN}\n\n${reference}\n\n${readme.slice(end)}`);
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
