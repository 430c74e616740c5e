import { COMMANDS } from "../../src/cli/args_commands.ts";
import { helpText } from "../../src/cli/help.ts";
import { CONFIG_FLAGS } from "../../src/config/flags.ts";
import assert from "node:assert/strict";

Deno.test("helpText() lists every command", () => {
  const text = helpText(null);
  for (const { name, summary } of COMMANDS) assert.ok(text.includes(`\n  ${name} `) && text.includes(summary), name);
});

Deno.test("helpText() lists every flag of each command", () => {
  for (const { name, flags } of COMMANDS) {
    const text = helpText(name);
    assert.ok(text.includes(`  tls-off ${name}`), name);
    for (const flag of [...flags.map((flag) => `--${flag.name} ${flag.value}`), "--help"]) {
      assert.ok(text.includes(`\n  ${flag}`), `${name} ${flag}`);
    }
  }
  for (const { flag } of CONFIG_FLAGS) assert.ok(helpText("run").includes(`\n  ${flag} `), flag);
});

Deno.test("helpText() fits a terminal", () => {
  for (const topic of [null, ...COMMANDS.map(({ name }) => name)]) {
    const text = helpText(topic);
    for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
    assert.doesNotMatch(text, / \n/);
    assert.doesNotMatch(text, /undefined|null/);
    assert.equal(text.at(-1), "\n");
  }
});
