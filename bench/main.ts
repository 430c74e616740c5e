import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runBench } from "./bench.ts";
import { mergeResults } from "./merge.ts";
import { HELP, parseOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { renderReport } from "./report/report.ts";
import { writeJson, writeResults } from "./report/write.ts";
import type { Results } from "./results.ts";
import { findProgram } from "./tools.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));

const REMARKS = "remarks.md";

/** An interrupted run of hours must not be lost. */
const SAVE_EVERY_MS = 60_000;

/** SIGINT and SIGTERM end the measuring; what was found is still reported. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => controller.abort());
  return controller.signal;
}

async function measure(options: Options, folder: string): Promise<Results> {
  let savedAt = performance.now();
  return await runBench(options, {
    source: resolve(options.source ?? HERE),
    signal: interruption(),
    async save(results) {
      if (performance.now() - savedAt < SAVE_EVERY_MS) return;
      savedAt = performance.now();
      await writeJson(results, folder);
    },
  });
}

/** What somebody wrote about the figures of a folder, in a file beside them. */
async function readRemarks(folder: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(join(folder, REMARKS))).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function readResults(folders: string[]): Promise<Results> {
  const all = await Promise.all(folders.map(async (folder): Promise<Results> => {
    const results: Results = JSON.parse(await Deno.readTextFile(join(folder, "results.json")));
    return { ...results, remarks: await readRemarks(folder) ?? results.remarks };
  }));
  return mergeResults(all);
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.from.length === 0 && !findProgram("openssl")) {
    console.error("Cannot bench without openssl: sudo apt-get install openssl");
    return 1;
  }
  const date = new Date().toISOString().slice(0, 16).replace(/\W/g, "-");
  const folder = resolve(options.out ?? join(HERE, "bench", "out", date));
  const results = options.from.length ? await readResults(options.from) : await measure(options, folder);
  await writeResults(results, folder);
  console.log(options.json ? JSON.stringify(results, null, 1) : renderReport(results, { plots: false }));
  console.error(`Results: ${folder}`);
  return results.samples.length ? 0 : 1;
}

Deno.exit(await main());
