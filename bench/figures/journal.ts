import { join } from "node:path";
import type { Calibration } from "../lab/calibration.ts";
import type { Failure, Findings } from "./progress.ts";
import type { About } from "./results.ts";
import type { Sample } from "./sample.ts";

/** How the run began: a run that goes on must be the same. */
interface Beginning {
  /** The command line. */
  args: string[];
  about: About;
}

/** A line of the journal: what was found, in its order. */
export type Line =
  | { beginning: Beginning }
  | { sample: Sample }
  | { failure: Failure }
  | { calibration: Calibration };

/** All that was found in a folder until a run ended, in whatever way. */
export interface Found extends Findings {
  beginning: Beginning;
  calibrations: Calibration[];
}

const FILE = "samples.jsonl";

/** Keeps each figure as it comes, a line of JSON each, so that nothing is lost and `--resume` can go on. */
export class Journal {
  private constructor(private readonly path: string) {}

  static async open(folder: string): Promise<Journal> {
    await Deno.mkdir(folder, { recursive: true });
    return new Journal(join(folder, FILE));
  }

  async add(line: Line): Promise<void> {
    await Deno.writeTextFile(this.path, JSON.stringify(line) + "\n", { append: true });
  }
}

/** Puts lines together. A last line that was cut is left out. */
export function parseJournal(text: string): Found | null {
  const lines = text.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Line);
  const beginning = lines.find((line) => "beginning" in line)?.beginning;
  if (!beginning) return null;
  return {
    beginning,
    samples: lines.flatMap((line) => "sample" in line ? [line.sample] : []),
    failures: lines.flatMap((line) => "failure" in line ? [line.failure] : []),
    calibrations: lines.flatMap((line) => "calibration" in line ? [line.calibration] : []),
  };
}

/**
 * Reads what a run has found that ended before its plan.
 *
 * @throws {Error} If there is none in the folder.
 */
export async function readJournal(folder: string): Promise<Found> {
  const text = await Deno.readTextFile(join(folder, FILE)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  const found = parseJournal(text);
  if (found === null) throw new Error(`Cannot resume ${folder}: no ${FILE} with the beginning of a run in it`);
  return found;
}
