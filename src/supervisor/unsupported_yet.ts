import type { Plan } from "./plan.ts";

/** What the configuration asks that no part of the program does yet: refused, never ignored. One line each. */
export function unsupportedYet({ config, listeners }: Plan): string[] {
  const asked: [boolean, string][] = [
    [config.reload !== "signal", `reload = "${config.reload}"`],
    ...listeners.flatMap(({ config: { name, limits } }): [boolean, string][] => {
      const where = ` (listener "${name}")`;
      return [
        [limits.connections > 0, `limits.connections${where}`],
        [limits.perClient > 0, `limits.per-client${where}`],
        [limits.handshakesPerSecond > 0, `limits.handshakes-per-second${where}`],
      ];
    }),
  ];
  return asked.filter(([is]) => is).map(([, what]) => `not supported yet: ${what}`);
}
