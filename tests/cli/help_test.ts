import { COMMANDS } from "../../src/cli/args_commands.ts";
import { helpText } from "../../src/cli/help.ts";
import { CONFIG_FLAGS } from "../../src/config/flags.ts";
import { doesNotMatch, ok, strictEqual } from "node:assert/strict";

Deno.test("helpText() lists every command", () => {
  const text = helpText(null);
  for (const { name, summary } of COMMANDS) ok(text.includes(`\n  ${name} `) && text.includes(summary), name);
});

Deno.test("helpText() lists every flag of each command", () => {
  for (const { name, flags } of COMMANDS) {
    const text = helpText(name);
    ok(text.includes(`  tls-off ${name}`), name);
    for (const flag of [...flags.map((flag) => `--${flag.name} ${flag.value}`), "--help"]) {
      ok(text.includes(`\n  ${flag}`), `${name} ${flag}`);
    }
  }
  for (const { flag } of CONFIG_FLAGS) ok(helpText("run").includes(`\n  ${flag} `), flag);
});

Deno.test("helpText() fits a terminal", () => {
  for (const topic of [null, ...COMMANDS.map(({ name }) => name)]) {
    const text = helpText(topic);
    for (const line of text.split("\n")) ok(line.length <= 100, line);
    doesNotMatch(text, / \n/);
    doesNotMatch(text, /undefined|null/);
    strictEqual(text.at(-1), "\n");
  }
});
