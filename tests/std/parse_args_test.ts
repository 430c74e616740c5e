import { parseArgs } from "@std/cli/parse-args";
import assert from "node:assert/strict";

Deno.test("parseArgs() takes values after a space and after an equals sign", () => {
  const args = parseArgs(["--cert", "a.pem", "--key=b=c.pem", "run"], { string: ["cert", "key"] });
  assert.deepEqual({ ...args }, { cert: "a.pem", key: "b=c.pem", _: ["run"] });
});

Deno.test("parseArgs() gives an empty text where the value is missing", () => {
  for (const argv of [["--cert"], ["--cert", "--help"], ["--cert", "-h"], ["--cert", ""]]) {
    assert.deepEqual(parseArgs(argv, { string: ["cert"], boolean: ["help"], alias: { help: "h" } }).cert, "");
  }
});

Deno.test("parseArgs() collects repeated flags into lists, and of others takes the last", () => {
  const options = { string: ["listen", "cert"], collect: ["listen"] } as const;
  const args = parseArgs(["--listen", "a", "--listen=b", "--cert", "1", "--cert", "2"], options);
  assert.deepEqual([args.listen, args.cert], [["a", "b"], "2"]);
  assert.deepEqual(parseArgs([], options).listen, []);
});

Deno.test("parseArgs() makes booleans false when absent and takes no value but true or false", () => {
  const cases: [string[], boolean, string[]][] = [
    [[], false, []],
    [["--help"], true, []],
    [["--help", "x"], true, ["x"]],
    [["--help", "false", "x"], false, ["x"]],
    [["--help=false"], false, []],
    [["--help=no"], true, []],
    [["-h", "x"], true, ["x"]],
  ];
  for (const [argv, help, rest] of cases) {
    const args = parseArgs(argv, { boolean: ["help"], alias: { help: "h" } });
    assert.deepEqual([args.help, args.h, args._], [help, help, rest], argv.join(" "));
  }
});

Deno.test("parseArgs() negates only what is negatable", () => {
  const unknown: string[] = [];
  const args = parseArgs(["--no-color", "--no-cert"], {
    boolean: ["color"],
    string: ["cert"],
    default: { color: true },
    negatable: ["color"],
    unknown: (arg) => (unknown.push(arg), false),
  });
  assert.deepEqual({ ...args }, { color: false, _: [] });
  assert.deepEqual(unknown, ["--no-cert"]);
});

Deno.test("parseArgs() tells of unknown flags and arguments, and leaves them out where asked to", () => {
  const calls: unknown[][] = [];
  const args = parseArgs(["run", "--nope", "x", "--toString", "-z", "--__proto__=1"], {
    string: ["cert", "_"],
    unknown: (arg, key, value) => (calls.push([arg, key, value]), key === undefined),
  });
  assert.deepEqual({ ...args }, { _: ["run"] });
  assert.deepEqual(calls, [
    ["run", undefined, undefined],
    ["--nope", "nope", "x"],
    ["--toString", "toString", true],
    ["-z", "z", true],
    ["--__proto__=1", "__proto__", "1"],
  ]);
});

Deno.test("parseArgs() turns numeric texts into numbers unless they are declared texts", () => {
  const args = parseArgs(["--n", "0x10", "--text", "5", "7", "1e3", "v1"], { string: ["text"] });
  assert.deepEqual({ ...args }, { n: 16, text: "5", _: [7, 1000, "v1"] });
  assert.deepEqual(parseArgs(["7"], { string: ["_"] })._, ["7"]);
});

Deno.test("parseArgs() reads nothing behind two dashes", () => {
  assert.deepEqual({ ...parseArgs(["a", "--", "--cert", "8"], { string: ["cert"] }) }, { _: ["a", "--cert", "8"] });
  assert.deepEqual({ ...parseArgs(["a", "--", "--cert"], { "--": true }) }, { _: ["a"], "--": ["--cert"] });
});

Deno.test("parseArgs() stops at the first argument where asked to", () => {
  const args = parseArgs(["--a=x", "b", "--c", "--", "d"], { string: ["a"], stopEarly: true });
  assert.deepEqual({ ...args }, { a: "x", _: ["b", "--c", "d"] });
});

Deno.test("parseArgs() reads joined short flags one by one, the last one with the value", () => {
  const args = parseArgs(["-vc", "file"], { boolean: ["v"], string: ["c"] });
  assert.deepEqual({ ...args }, { v: true, c: "file", _: [] });
});
