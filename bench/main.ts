import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runBench } from "./bench.ts";
import { readJournal } from "./figures/journal.ts";
import { mergeResults } from "./figures/merge.ts";
import { HELP, parseOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { renderReport } from "./report/report.ts";
import { writeResults } from "./report/write.ts";
import type { Results } from "./figures/results.ts";
import { findProgram } from "./lab/tools.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));

const REMARKS = "remarks.md";

/** SIGINT and SIGTERM end the measuring; what was found is still reported. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => controller.abort());
  return controller.signal;
}

/** Measures, from the beginning or, with `--resume`, what is missing. */
async function measure(options: Options, folder: string): Promise<Results> {
  const found = options.resume === null ? null : await readJournal(options.resume);
  const { args } = found?.beginning ?? { args: Deno.args };
  const { minutes } = options;
  const begun = found ? { ...parseOptions(args), minutes } : options;
  const source = resolve(begun.source ?? HERE);
  return await runBench(begun, { source, folder, args, found, signal: interruption() });
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
  if (options.peers !== null && Deno.uid() !== 0) {
    console.error(`Cannot take peers from ${options.peers}: chroot needs root`);
    return 1;
  }
  if (options.from.length === 0 && !findProgram("openssl")) {
    console.error("Cannot bench without openssl: sudo apt-get install openssl");
    return 1;
  }
  const date = new Date().toISOString().slice(0, 16).replace(/\W/g, "-");
  const folder = resolve(options.resume ?? options.out ?? join(HERE, "bench", "out", date));
  let results: Results;
  try {
    results = options.from.length ? await readResults(options.from) : await measure(options, folder);
  } catch (error) {
    // Expected errors are printed as one line. Any other is a fault of the bench, and its stack shows where.
    if (!(error instanceof Error && error.message.startsWith("Cannot "))) throw error;
    console.error(error.message);
    return 1;
  }
  await writeResults(results, folder);
  console.log(options.json ? JSON.stringify(results, null, 1) : renderReport(results, { plots: false }));
  console.error(`Results: ${folder}`);
  return results.samples.length ? 0 : 1;
}

Deno.exit(await main());
