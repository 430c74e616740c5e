/** The middle value; the mean of the two middle ones for an even count. NaN for none. */
export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` (0–1) of the values lies, interpolated between neighbours. NaN for none. */
export function quantile(values: number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const low = Math.floor(position);
  const high = Math.ceil(position);
  return sorted[low] + (sorted[high] - sorted[low]) * (position - low);
}

/** The arithmetic mean. NaN for none. */
export function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation; 0 for a single value. */
export function standardDeviation(values: number[]): number {
  if (values.length < 2) return 0;
  const average = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (values.length - 1));
}

/** A measure over its rounds. */
export interface Summary {
  count: number;
  median: number;
  min: number;
  max: number;
  /** Half of the interquartile range as a share of the median: 0.05 is "± 5 %". */
  spread: number;
}

/** Summarises the rounds of one measure; null when there is no round. */
export function summarise(values: number[]): Summary | null {
  if (values.length === 0) return null;
  const middle = median(values);
  return {
    count: values.length,
    median: middle,
    min: Math.min(...values),
    max: Math.max(...values),
    spread: middle === 0 ? 0 : (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / Math.abs(middle),
  };
}

/** How one contender compares with another over interleaved rounds. */
export interface Ratio {
  /** Median over rounds of value ÷ reference of the same round. */
  median: number;
  min: number;
  max: number;
  /** True when the rounds do not agree on which of the two is smaller. */
  noise: boolean;
}

/**
 * Compares round by round: when the machine gets slower (frequency, other load), that affects both runs of a round
 * alike, and a ratio of medians would show it. Rounds that either side lacks are left out; null when none is left.
 */
export function pairedRatio(values: Map<number, number>, reference: Map<number, number>): Ratio | null {
  const ratios: number[] = [];
  for (const [round, value] of values) {
    const other = reference.get(round);
    if (other !== undefined && other > 0) ratios.push(value / other);
  }
  if (ratios.length === 0) return null;
  const min = Math.min(...ratios);
  const max = Math.max(...ratios);
  return { median: median(ratios), min, max, noise: min <= 1 && max >= 1 };
}
