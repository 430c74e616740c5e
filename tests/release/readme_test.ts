import assert from "node:assert/strict";
import { formatProblem } from "../../src/config/problem.ts";
import { parseConfig } from "../../src/config/load.ts";
import { readSources, ROOT } from "../../scripts/reference/inventory.ts";

const readme = Deno.readTextFileSync(`${ROOT}README.md`);

function section(title: string): string {
  const [, text] = readme.split(`\n## ${title}\n`);
  assert.ok(text, `section "${title}"`);
  return text.split("\n## ")[0];
}

/** Prose without the line breaks of the formatter. */
const unbroken = (text: string) => text.replace(/\s+/g, " ");

Deno.test("every configuration in README.md is valid", () => {
  const blocks = [...readme.matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map(([, toml]) => toml);
  assert.ok(blocks.length > 5);
  for (const toml of blocks) {
    assert.deepEqual(parseConfig(toml, "/etc/tls-off/tls-off.toml", {}, "/").problems.map(formatProblem), [], toml);
  }
});

Deno.test("every test that README.md names is there", () => {
  const named = [...section("Compared with its peers").matchAll(/: _([^_|]+)_ +\|/g)].map(([, name]) => name);
  assert.ok(named.length > 5);
  const tests = [...readSources(`${ROOT}tests`)].map(([, text]) => text).join("\n");
  // In a name that is made of parts, as `drains on ${signal}`, those may be any word; one in brackets at the end, left out.
  const written = [...tests.matchAll(/(?:[tT]est\(|name:|^ +:)\s*(["`])(.+?)\1[,\n]/gm)].map(([, , name]) => {
    const escaped = name.replace(/ \(\$\{\w+\}\)$/, "").replace(/[.*+?^()[\]\\|]/g, "\\$&");
    return new RegExp(`^${escaped.replace(/\$\{\w+\}/g, "\\w+")}$`);
  });
  for (const name of named) assert.ok(written.some((pattern) => pattern.test(name)), name);
});

Deno.test("every message that README.md explains is one of the program's", () => {
  const messages = [...unbroken(section("Troubleshooting")).matchAll(/\*\*`([^`]+)`\*\*/g)].map(([, message]) =>
    message
  );
  assert.ok(messages.length > 10);
  const sources = [...readSources().values()].join("\n").replaceAll("\\`", "`");
  for (const message of messages) {
    // Messages are put together of parts.
    for (
      const part of message.split(/…|[,:;] /).map((text) => text.replace(/^[" ]+|[" ]+$/g, "")).filter((text) =>
        text.length > 4
      )
    ) {
      assert.ok(sources.includes(part), `${part} of ${message}`);
    }
  }
});

Deno.test("every file that README.md points to is there", () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path);
  const trees = [...section("Architecture").matchAll(/^(src\/\S+) {2,}/gm)].map(([, path]) => path);
  const tables = [...section("Change it").matchAll(/`((?:src|bench|tests|scripts)\/[\w/.-]+)`/g)].map(([, path]) =>
    path
  );
  assert.ok(links.length > 3 && trees.length > 5 && tables.length > 3);
  for (const path of [...links, ...trees, ...tables]) Deno.statSync(ROOT + path);
  const anchors = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  const titles = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
  for (const anchor of anchors) assert.ok(titles.includes(anchor), anchor);
});
