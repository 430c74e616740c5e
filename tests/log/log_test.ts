import assert from "node:assert/strict";
import type { LogConfig } from "../../src/config/config.ts";
import { createLogger } from "../../src/log/log.ts";
import { TIME } from "../../src/log/fields.ts";
import { formatJson } from "../../src/log/format_json.ts";
import { makeRecord } from "./log_record.ts";
import { MemoryOutput } from "./memory_output.ts";

const CONFIG: LogConfig = {
  level: "info",
  format: "json",
  access: true,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};
const environment = (): undefined => undefined;

Deno.test("createLogger() writes one JSON object for each record, fields after time, level, event and msg", async () => {
  const stderr = new MemoryOutput();
  const log = createLogger(CONFIG, { stderr, terminal: false, environment });
  log.info("listening", { event: "listening", listener: "web", port: 443, nothing: undefined });
  log.debug("not shown");
  log.error("failed", { event: "stop", error: new Error("out of memory"), level: "forged", list: ["a", 1] });
  await log.close();
  const [first, second, ...rest] = stderr.lines.map((line) => JSON.parse(line));
  assert.equal(rest.length, 0);
  assert.deepEqual(Object.keys(first), ["time", "level", "event", "msg", "listener", "port"]);
  assert.match(first.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(first.port, 443);
  assert.equal(second.level, "error");
  assert.equal(second.error, "out of memory");
  assert.deepEqual(second.list, ["a", 1]);
  assert.ok(stderr.closed);
});

Deno.test("createLogger() keeps the time of a record from another thread", async () => {
  const stderr = new MemoryOutput();
  const log = createLogger(CONFIG, { stderr, terminal: false, environment });
  log.info("closed", { [TIME]: new Date(0) });
  await log.close();
  assert.equal(JSON.parse(stderr.lines[0]).time, "1970-01-01T00:00:00.000Z");
});

for (const format of ["text", "json"] as const) {
  Deno.test(`createLogger() as ${format} lets no value forge a line or move the cursor`, async () => {
    const stderr = new MemoryOutput();
    const log = createLogger({ ...CONFIG, format }, { stderr, terminal: false, environment });
    const evil = 'a\nINFO forged=1\r\x1b[2J\u0085\u2028\u202e\x7f\x9b31m" b=c \ud800';
    log.info(evil, { event: "connection", sni: evil, [evil]: evil, list: [evil], object: { [evil]: evil } });
    await log.close();
    assert.equal(stderr.lines.length, 1);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(stderr.lines[0], /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
  });
}

Deno.test("createLogger() bounds what one field can write", async () => {
  const stderr = new MemoryOutput();
  const log = createLogger(CONFIG, { stderr, terminal: false, environment });
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  log.info("big", { text: "x".repeat(1e6), list: new Array(1e5).fill("y"), circular, number: NaN, big: 1n });
  await log.close();
  const line = JSON.parse(stderr.lines[0]);
  assert.equal(line.text.length, 1025);
  assert.equal(line.list.length, 64);
  assert.equal(line.number, "NaN");
  assert.equal(line.big, "1");
});

Deno.test("createLogger() as text quotes what is not one word", async () => {
  const stderr = new MemoryOutput();
  const log = createLogger({ ...CONFIG, format: "text" }, { stderr, terminal: false, environment });
  log.warn("closed", { event: "connection", client: "::1", client_cn: 'a b="c"', resumed: true, names: ["x"] });
  await log.close();
  assert.match(
    stderr.lines[0],
    /^\S+Z WARN {2}closed client=::1 client_cn="a b=\\"c\\"" resumed=true names=\["x"\]$/,
  );
});

Deno.test("createLogger() uses colours on a terminal alone, and not with NO_COLOR", async () => {
  const shown = async (terminal: boolean, noColor: string | undefined) => {
    const stderr = new MemoryOutput();
    const log = createLogger({ ...CONFIG, format: "text" }, { stderr, terminal, environment: () => noColor });
    log.info("start", { event: "start" });
    await log.close();
    return stderr.text.includes("\x1b[");
  };
  assert.equal(await shown(true, undefined), true);
  assert.equal(await shown(true, ""), true);
  assert.equal(await shown(true, "1"), false);
  assert.equal(await shown(false, undefined), false);
});

Deno.test("createLogger() says afterwards how many records a stuck output lost", async () => {
  const stderr = new MemoryOutput();
  const log = createLogger(CONFIG, { stderr, terminal: false, environment });
  stderr.hold();
  log.info("first");
  await new Promise((resolve) => setTimeout(resolve, 0));
  const count = 20_000;
  for (let i = 0; i < count; i++) log.info("x".repeat(1000), { i });
  assert.ok(log.dropped > 0 && log.dropped < count, `${log.dropped} dropped`);
  stderr.release();
  await log.close();
  const lines = stderr.lines.map((line) => JSON.parse(line));
  const said = lines.filter((line) => line.event === "log-dropped");
  assert.equal(said.length, 1);
  assert.equal(said[0].dropped, log.dropped);
  assert.equal(lines.length, count + 1 - log.dropped + 1);
});

Deno.test("createLogger() enabled() follows the level", () => {
  const log = createLogger({ ...CONFIG, level: "warn" }, { stderr: new MemoryOutput(), environment });
  assert.deepEqual((["debug", "info", "warn", "error"] as const).map((level) => log.enabled(level)), [
    false,
    false,
    true,
    true,
  ]);
});

Deno.test("formatJson() writes what JSON.parse reads back, whatever the text", () => {
  const texts = [
    'a"b',
    "\\",
    "\\u0041",
    "é",
    "\u{1f600}",
    "\n\t\b",
    "",
    "x".repeat(300),
    "\u007f",
    "\u00a0",
    "</script>",
  ];
  for (const [i, text] of texts.entries()) {
    // The numbered field gives each line a shape of its own. V8's JSON.parse guesses names from lines it saw before,
    // and once it has seen {"\\":…} may read "\u007f" as "\\", which is its fault and not the formatter's.
    const record = makeRecord("info", text, { event: text, [`shape${i}`]: i, [text || "empty"]: text });
    const line = JSON.parse(formatJson(record));
    assert.equal(line.msg, text);
    assert.equal(line.event, text);
    assert.equal(line[text || "empty"], text);
  }
});
