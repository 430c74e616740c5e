import { parse as parseToml } from "@std/toml";
import { parseConfig } from "../../src/config/load.ts";
import { indexPositions } from "../../src/config/positions.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { FULL } from "./files.ts";
import assert from "node:assert/strict";

/** Numbers below a limit, the same in each run (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  return (limit) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

const PIECES = [
  ..."\"'[]{}=,.#\n\r\t \\\0\u007f\uFFFF😀é09azAZ-_+:/@*".split(""),
  ...[
    '"""',
    "'''",
    "[[",
    "]]",
    "[[listener]]\n",
    "[log]\n",
    "\n[",
    "= 0",
    "= -1",
    '= ""',
    "= []",
    "= {}",
    "= [{}]",
    "inf",
    "nan",
  ],
  ...[
    "1979-05-27",
    "0x1F",
    "1e400",
    "true",
    "\\u0000",
    '"unix:"',
    "__proto__",
    "constructor",
    "listener",
    '":443"',
    ", x = 1",
  ],
];

function mutate(source: string, random: (limit: number) => number): string {
  const lines = source.split("\n");
  const at = random(source.length + 1);
  const line = random(lines.length);
  const other = random(lines.length);
  switch (random(7)) {
    case 0:
      return source.slice(0, at) + source.slice(at + 1 + random(6));
    case 1:
      return source.slice(0, at) + PIECES[random(PIECES.length)] + source.slice(at);
    case 2:
      return source.slice(0, at) + PIECES[random(PIECES.length)] + source.slice(at + 1 + random(3));
    case 3:
      return lines.toSpliced(line, 1).join("\n");
    case 4:
      return lines.toSpliced(line, 0, lines[other]).join("\n");
    case 5:
      return lines.with(line, lines[other]).join("\n");
    default: {
      const [name] = lines[line].split("=");
      const [, value = PIECES[random(PIECES.length)]] = lines[other].split("=");
      return lines.with(line, `${name}=${value}`).join("\n");
    }
  }
}

Deno.test("parseConfig() reports whatever a mutated file holds, and never throws", () => {
  const random = randomFrom(20_260_101);
  let right = 0;
  let wrong = 0;
  for (let round = 0; round < 6000; round++) {
    let source = FULL;
    for (let count = 1 + random(4); count > 0; count--) source = mutate(source, random);
    const { config, problems } = parseConfig(source, "proxy.toml", {}, "/etc");
    assert.equal(config === null, problems.some(({ severity }) => severity === "error"), source);
    const lineCount = source.split("\n").length;
    for (const problem of problems) {
      const text = formatProblem(problem);
      assert.ok(/^proxy\.toml:\d+:\d+: ./.test(text), text);
      // deno-lint-ignore no-control-regex -- what must not reach a terminal
      assert.ok(!/[\x00-\x1f\x7f]/.test(text), JSON.stringify(text));
      assert.ok(problem.line >= 1 && problem.line <= lineCount && problem.column >= 1, text);
      assert.ok(text.length < 1000, text);
    }
    if (config) right++;
    else wrong++;
    if (config) assert.equal(JSON.stringify(structuredClone(config)), JSON.stringify(config));
  }
  // Without files of both kinds this would test nothing.
  assert.ok(right > 100 && wrong > 3000, `${right} right, ${wrong} wrong`);
});

Deno.test("indexPositions() finds each key of mutated files that are still TOML", () => {
  const random = randomFrom(7);
  let checked = 0;
  for (let round = 0; round < 4000; round++) {
    let source = FULL;
    for (let count = 1 + random(3); count > 0; count--) source = mutate(source, random);
    let tree: Record<string, unknown>;
    try {
      tree = parseToml(source) as Record<string, unknown>;
    } catch {
      continue;
    }
    const positions = indexPositions(source);
    const lines = source.split("\n");
    const visit = (value: unknown, path: (string | number)[]) => {
      const step = path.at(-1);
      if (typeof step === "string") {
        const { line, column } = positions.find(path);
        const text = lines[line - 1].slice(column - 1);
        assert.ok(text.startsWith(step) || /^["'\[]/.test(text), JSON.stringify([path, line, column, source]));
        checked++;
      }
      if (Array.isArray(value)) value.forEach((item, index) => visit(item, [...path, index]));
      else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
        for (const [name, item] of Object.entries(value)) visit(item, [...path, name]);
      }
    };
    visit(tree, []);
  }
  assert.ok(checked > 20_000, String(checked));
});
