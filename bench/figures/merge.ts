import type { Results } from "./results.ts";

/**
 * Puts together what was measured in several runs, of the article's experiment and of peers, for example.
 *
 * @throws {Error} If two of them measured the same scenario: their rounds were not interleaved, no ratio would hold.
 */
export function mergeResults(all: readonly Results[]): Results {
  const [first, ...others] = all;
  const merged = structuredClone(first);
  for (const other of others) {
    const known = new Set(merged.samples.map(({ scenario }) => scenario));
    const twice = other.samples.find(({ scenario }) => known.has(scenario));
    if (twice) throw new Error(`Cannot put results together: "${twice.scenario}" is in more than one of them`);
    merged.samples.push(...other.samples);
    merged.failures.push(...other.failures);
    merged.calibrations = [...merged.calibrations ?? [], ...other.calibrations ?? []];
    merged.versions = { ...other.versions, ...merged.versions };
    merged.notes = [...new Set([...merged.notes, ...other.notes, ...differences(first, other)])];
    if (other.samples.some(({ scenario }) => scenario.startsWith("article-"))) {
      merged.settings.article = other.settings.article;
    }
    if (other.remarks) merged.remarks = [merged.remarks, other.remarks].filter((text) => text).join("\n\n");
    const names = new Set(merged.contenders.map(({ name }) => name));
    merged.contenders.push(...other.contenders.filter(({ name }) => !names.has(name)));
  }
  return merged;
}

/** What the report would say wrongly of the other run's scenarios. */
function differences(first: Results, { settings, samples, machine }: Results): string[] {
  const scenarios = [...new Set(samples.map(({ scenario }) => scenario))]
    .filter((scenario) => !scenario.startsWith("article-"));
  if (scenarios.length === 0) return [];
  const describe = ({ rounds, windowMs, connections }: Results["settings"]) =>
    `${rounds} rounds of ${windowMs} ms, ${connections} connections`;
  const [here, there] = [describe(first.settings), describe(settings)];
  return [
    ...(here === there ? [] : [`Measured apart: ${scenarios.join(", ")}, ${there}`]),
    ...(machine.cpu === first.machine.cpu ? [] : [`On another machine, ${machine.cpu}: ${scenarios.join(", ")}`]),
  ];
}
