/** Name of the runs with so many connections that stay. */
export function connectionsScenario(connections: number): string {
  return `connections-${connections}`;
}

/** Name of the runs with so many workers. */
export function workersScenario(workers: number): string {
  return `workers-${workers}`;
}

/** The numbers in the scenarios that a function above names, ascending. */
export function numbersIn(scenarios: Iterable<string>, prefix: "connections" | "workers"): number[] {
  const numbers = [...new Set(scenarios)].flatMap((scenario) => {
    const match = new RegExp(`^${prefix}-(\\d+)$`).exec(scenario);
    return match ? [Number(match[1])] : [];
  });
  return numbers.sort((a, b) => a - b);
}
