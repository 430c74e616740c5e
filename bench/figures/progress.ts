import type { Sample, Step } from "./sample.ts";

/** `95` → `1:35`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** Time left: the estimates of what remains, corrected by how well the estimates held so far. */
export function timeLeftMs(steps: readonly Step[], done: number, elapsedMs: number): number {
  const estimate = (from: number, to: number) => steps.slice(from, to).reduce((sum, step) => sum + step.estimateMs, 0);
  const past = estimate(0, done);
  // The first steps are no basis for an estimate. It is corrected from ten seconds on.
  const correction = past > 10_000 ? elapsedMs / past : 1;
  return estimate(done, steps.length) * correction;
}

/** A run that failed: it is reported, and does not stop the others. */
export interface Failure {
  step: Pick<Step, "scenario" | "contender" | "size" | "round">;
  message: string;
}

/** The runs of one round are compared with one another. */
export function roundOf({ scenario, size, round }: Pick<Sample, "scenario" | "size" | "round">): string {
  return `${scenario} ${size} round ${round}`;
}

/** What was found so far. */
export interface Findings {
  samples: Sample[];
  failures: Failure[];
}

export interface RunOptions {
  /** What a run that is gone on with has found. */
  found?: Findings;
  /** Ends the plan early; what was found until then is returned. */
  signal?: AbortSignal;
  /** Whether to begin no further round. */
  enough?: () => boolean;
  /** Called after each step, with what it found. */
  onStep?: (found: { sample: Sample } | { failure: Failure }) => Promise<void>;
  /** Called before each round, and after the last. */
  onRound?: (round: string) => Promise<void>;
}

/** What a contender may fail at once and for all: its runs are not tried again after the second time. */
function kindOf({ scenario, contender, size }: Pick<Step, "scenario" | "contender" | "size">): string {
  return `${scenario} ${contender} ${size}`;
}

function brokenBy(failures: readonly Failure[]): Set<string> {
  const kinds = failures.map(({ step }) => kindOf(step));
  return new Set(kinds.filter((kind, index) => kinds.indexOf(kind) < index));
}

/** Whole rounds alone: of those that were interrupted the runs of later would be hours apart. */
export function keepWholeRounds(steps: readonly Step[], { samples, failures }: Findings): Findings {
  const id = (run: Pick<Step, "scenario" | "contender" | "size" | "round">) => `${roundOf(run)} ${run.contender}`;
  const done = new Set([...samples, ...failures.map(({ step }) => step)].map(id));
  const broken = brokenBy(failures);
  const cut = new Set(steps.filter((step) => !done.has(id(step)) && !broken.has(kindOf(step))).map(roundOf));
  return {
    samples: samples.filter((sample) => !cut.has(roundOf(sample))),
    failures: failures.filter(({ step }) => !cut.has(roundOf(step))),
  };
}

/** Runs the plan and shows on stderr what is running, which round, and the time left. */
export async function runSteps(all: Step[], options: RunOptions = {}): Promise<Findings> {
  const { signal, enough, onStep, onRound, found = { samples: [], failures: [] } } = options;
  const { samples, failures } = keepWholeRounds(all, found);
  const kept = new Set([...samples, ...failures.map(({ step }) => step)].map(roundOf));
  const steps = all.filter((step) => !kept.has(roundOf(step)));
  const terminal = Deno.stderr.isTerminal();
  const encoder = new TextEncoder();
  const show = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  const begin = performance.now();
  const shownFailures = new Set<string>();
  let shown = "";
  let round = "";

  for (const [index, step] of steps.entries()) {
    const { scenario, contender, size, rounds } = step;
    if (round !== roundOf(step)) {
      if (enough?.()) break;
      round = roundOf(step);
      await onRound?.(round);
    }
    const left = formatClock(timeLeftMs(steps, index, performance.now() - begin) / 1000);
    const what = `${scenario}${size ? ` ${size}` : ""}, round ${step.round} of ${rounds}`;
    if (terminal) show(`\r\x1b[K[${index + 1}/${steps.length}] ${what}: ${contender}, ${left} left`);
    else if (what !== shown) show(`[${index + 1}/${steps.length}] ${what}, ${left} left\n`);
    shown = what;

    if (signal?.aborted) break;
    if (brokenBy(failures).has(kindOf(step))) continue;
    const run = { scenario, contender, size, round: step.round };
    try {
      const sample = { ...run, values: await step.run(samples) };
      samples.push(sample);
      await onStep?.({ sample });
    } catch (error) {
      if (signal?.aborted) break;
      const message = error instanceof Error ? error.message : String(error);
      failures.push({ step: run, message });
      await onStep?.({ failure: { step: run, message } });
      // A contender that does not start fails in every scenario with the same message, which is printed once.
      if (!shownFailures.has(message)) show(`${terminal ? "\r\x1b[K" : ""}${what}: ${contender} failed: ${message}\n`);
      shownFailures.add(message);
    }
  }
  await onRound?.("the end");
  if (terminal) show("\r\x1b[K");
  return { samples, failures };
}

/** Puts the contenders of a round one after the other, beginning with another one each round. */
export function interleave<T>(contenders: readonly T[], rounds: number): { contender: T; round: number }[] {
  return Array.from({ length: rounds }, (_, index) =>
    contenders.map((_, place) => ({
      contender: contenders[(place + index) % contenders.length],
      round: index + 1,
    }))).flat();
}
