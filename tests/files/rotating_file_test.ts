import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogConfig } from "../../src/config/config.ts";
import { createLogger, type RootLog } from "../../src/log/log.ts";
import { until } from "../support/wait.ts";
import { MemoryOutput } from "../log/memory_output.ts";

const CONFIG: LogConfig = {
  level: "info",
  format: "auto",
  access: true,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};

async function withLog(
  config: Partial<LogConfig>,
  run: (log: RootLog, directory: string, stderr: MemoryOutput) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "tls-off-log-"));
  const stderr = new MemoryOutput();
  const log = createLogger({ ...CONFIG, file: join(directory, "log"), ...config }, {
    stderr,
    terminal: true,
    environment: () => undefined,
  });
  try {
    await run(log, directory, stderr);
  } finally {
    await log.close();
    rmSync(directory, { recursive: true });
  }
}

/** The numbers logged, from the oldest file to the newest. */
function numbers(directory: string): number[] {
  const rank = (name: string) => Number(name.split(".")[1] ?? 0);
  return readdirSync(directory).sort((a, b) => rank(b) - rank(a)).flatMap((name) => {
    const lines = readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line).i as number);
  });
}

Deno.test("RotatingFile keeps the live file and so many old ones below the size, without losing a line", async () => {
  await withLog({ fileSize: 4096, fileCount: 20 }, async (log, directory) => {
    for (let i = 0; i < 500; i++) {
      log.info("line", { i });
      if (i % 50 === 0) await until(() => numbers(directory).at(-1) === i, "it is written");
    }
    await until(() => numbers(directory).at(-1) === 499, "the last line is written");
    assert.deepEqual(numbers(directory), Array.from({ length: 500 }, (_, i) => i));
    assert.ok(readdirSync(directory).length > 5);
    for (const name of readdirSync(directory)) assert.ok(statSync(join(directory, name)).size <= 4096, name);
  });
});

Deno.test("RotatingFile forgets the oldest", async () => {
  for (const fileCount of [0, 2]) {
    await withLog({ fileSize: 1024, fileCount }, async (log, directory) => {
      for (let i = 0; i < 200; i++) log.info("line", { i });
      await until(() => numbers(directory).at(-1) === 199, "the last line is written");
      const expected = fileCount === 0 ? ["log"] : ["log", "log.1", "log.2"];
      assert.deepEqual(readdirSync(directory).sort(), expected);
    });
  }
});

Deno.test("RotatingFile appends to what is there, readable for owner and group alone", async () => {
  await withLog({}, async (log, directory) => {
    const path = join(directory, "log");
    log.info("first", { i: 1 });
    await until(() => numbers(directory).length === 1, "the first is written");
    log.configure({ ...CONFIG, file: path });
    log.info("second", { i: 2 });
    await until(() => numbers(directory).length === 2, "the second is written");
    assert.deepEqual(numbers(directory), [1, 2]);
    assert.equal(statSync(path).mode & 0o027, 0);
  });
});

Deno.test("RotatingFile reopen() goes on in a new file after the old one was moved", async () => {
  await withLog({}, async (log, directory) => {
    const path = join(directory, "log");
    log.info("first", { i: 1 });
    await until(() => numbers(directory).length === 1, "the first is written");
    renameSync(path, path + ".1");
    log.info("second", { i: 2 });
    await until(() => numbers(directory).length === 2, "the second is written");
    assert.ok(!existsSync(path));
    log.reopen();
    log.info("third", { i: 3 });
    await until(() => numbers(directory).at(-1) === 3, "the third is written");
    assert.deepEqual(numbers(directory), [1, 2, undefined, 3]);
    assert.equal(readFileSync(path, "utf8").trim().split("\n").length, 2);
  });
});

Deno.test("createLogger() names the log file that cannot be opened", () => {
  const config = { ...CONFIG, file: "/nonexistent/log" };
  assert.throws(
    () => createLogger(config, { stderr: new MemoryOutput() }),
    /Cannot open the log file "\/nonexistent\/log": /,
  );
  assert.throws(
    () => createLogger({ ...CONFIG, file: "/tmp/x", format: "journald" }, { stderr: new MemoryOutput() }),
    /Cannot log to "\/tmp\/x": format "journald" goes to the journal/,
  );
});

Deno.test("createLogger() configure() keeps the old place when the new one cannot be opened", async () => {
  await withLog({}, async (log, directory) => {
    assert.throws(() => log.configure({ ...CONFIG, file: "/nonexistent/log" }));
    log.info("still", { i: 1 });
    await until(() => numbers(directory).length === 1, "it is written");
    assert.deepEqual(numbers(directory), [1]);
  });
});

Deno.test("createLogger() sends lines to standard error while the file cannot be written, and says how many", async () => {
  await withLog({}, async (log, directory, stderr) => {
    renameSync(directory, directory + ".away");
    log.reopen();
    log.info("one", { i: 1 });
    log.info("two", { i: 2 });
    await until(() => stderr.lines.length === 4, "the lines are on standard error");
    renameSync(directory + ".away", directory);
    log.info("three", { i: 3 });
    const file = () => readFileSync(join(directory, "log"), "utf8");
    await until(
      () => existsSync(join(directory, "log")) && file().includes("log-recovered"),
      "the file is written again",
    );
    assert.match(stderr.lines[0], /^tls-off: Cannot write ".*log", logging here meanwhile: /);
    assert.deepEqual(stderr.lines.slice(1).map((line) => JSON.parse(line).i), [undefined, 1, 2]);
    const lines = file().trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(lines[0].i, 3);
    assert.equal(lines[1].event, "log-recovered");
    assert.equal(lines[1].diverted, 3);
    assert.equal(log.diverted, 3);
    assert.equal(log.dropped, 0);
  });
});
