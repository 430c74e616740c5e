/** The figures of one run, by the name of the metric. */
export type Values = Record<string, number>;

/** One run: a contender in a scenario, once. Everything reported is computed from these. */
export interface Sample {
  /** `keep-alive`, `half-load`, `handshake-full-ecdsa`, `idle`, … */
  scenario: string;
  contender: string;
  /** What the scenario varies: bytes of a body, connections held; 0 where it varies nothing. */
  size: number;
  /** From 1. Contenders of one round ran one after the other. */
  round: number;
  values: Values;
}

/** Something to run once, as part of a plan. */
export interface Step {
  scenario: string;
  contender: string;
  size: number;
  round: number;
  rounds: number;
  estimateMs: number;
  /** @param soFar All samples before this one. */
  run(soFar: readonly Sample[]): Promise<Values>;
}

/** Samples of one metric: round → value. */
export function valuesByRound(
  samples: readonly Sample[],
  where: { scenario: string; contender: string; size: number },
  metric: string,
): Map<number, number> {
  const rounds = new Map<number, number>();
  for (const sample of samples) {
    if (sample.scenario !== where.scenario || sample.contender !== where.contender || sample.size !== where.size) {
      continue;
    }
    const value = sample.values[metric];
    if (value !== undefined) rounds.set(sample.round, value);
  }
  return rounds;
}
