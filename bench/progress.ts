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
  // A few steps say little: the correction counts from ten seconds on.
  const correction = past > 10_000 ? elapsedMs / past : 1;
  return estimate(done, steps.length) * correction;
}

/** A run that failed: it is reported, and does not stop the others. */
export interface Failure {
  step: Pick<Step, "scenario" | "contender" | "size" | "round">;
  message: string;
}

/** What was found so far. */
export interface Findings {
  samples: Sample[];
  failures: Failure[];
}

export interface RunOptions {
  /** Ends the plan early; what was found until then is returned. */
  signal?: AbortSignal;
  /** Called after each step. */
  onStep?: (findings: Findings) => Promise<void>;
}

/** Runs the plan and shows on stderr what is running, which round, and the time left. */
export async function runSteps(steps: Step[], { signal, onStep }: RunOptions = {}): Promise<Findings> {
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  const terminal = Deno.stderr.isTerminal();
  const encoder = new TextEncoder();
  const show = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  const begin = performance.now();
  const failedOnce = new Set<string>();
  const broken = new Set<string>();
  const shownFailures = new Set<string>();
  let shown = "";

  for (const [index, step] of steps.entries()) {
    const { scenario, contender, size, round, rounds } = step;
    const left = formatClock(timeLeftMs(steps, index, performance.now() - begin) / 1000);
    const what = `${scenario}${size ? ` ${size}` : ""}, round ${round} of ${rounds}`;
    if (terminal) show(`\r\x1b[K[${index + 1}/${steps.length}] ${what}: ${contender}, ${left} left`);
    else if (what !== shown) show(`[${index + 1}/${steps.length}] ${what}, ${left} left\n`);
    shown = what;

    if (signal?.aborted) break;
    const id = `${scenario} ${contender} ${size}`;
    if (broken.has(id)) continue;
    try {
      samples.push({ scenario, contender, size, round, values: await step.run(samples) });
    } catch (error) {
      if (signal?.aborted) break;
      const message = error instanceof Error ? error.message : String(error);
      failures.push({ step: { scenario, contender, size, round }, message });
      if (failedOnce.has(id)) broken.add(id);
      failedOnce.add(id);
      // One that does not start fails in every scenario, with the same words.
      if (!shownFailures.has(message)) show(`${terminal ? "\r\x1b[K" : ""}${what}: ${contender} failed: ${message}\n`);
      shownFailures.add(message);
    }
    await onStep?.({ samples, failures });
  }
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
