import { describeCapabilities } from "../../src/tls/capabilities.ts";
import { ROOT } from "./inventory.ts";
import { wrap } from "../../src/cli/help.ts";
import { toMarkdown, WIDTH } from "./markdown.ts";
import { referenceSections } from "./model.ts";

/** Path of the page that {@linkcode writePage} is for. */
export const PAGE = `${ROOT}scripts/reference/README.md`;

const INTRODUCTION = "Generated from the code by `deno task reference`; the man page tls-off(1) has the same. " +
  "What the program is for is in the [README](../../README.md).";

const ENGINES =
  "TLS is done by one of two engines. `native` is the runtime's own TLS listener, `node` is `node:tls`. " +
  'With `engine = "auto"` a listener gets `native` where that can do all that the listener asks, else `node`.';

/**
 * Writes the whole reference as a page of Markdown. Its tables are not padded: else one longer word would change every
 * line of a table, and two changes of different keys could never be merged.
 */
export function writePage(): string {
  const [commands, configuration, ...others] = referenceSections().map((section) => toMarkdown([section]));
  const engines = `## Engines\n\n${wrap(ENGINES, 0, 0, WIDTH).join("\n")}\n\n${describeCapabilities()}`;
  const introduction = wrap(INTRODUCTION, 0, 0, WIDTH).join("\n");
  return ["# Reference", introduction, commands, configuration, engines, ...others].join("\n\n") + "\n";
}
