import type { Plan } from "./plan.ts";

/** What the configuration asks that no part of the program does yet: refused, never ignored. One line each. */
export function unsupportedYet({ config }: Plan): string[] {
  const asked: [boolean, string][] = [
    [config.reload !== "signal", `reload = "${config.reload}"`],
  ];
  return asked.filter(([is]) => is).map(([, what]) => `not supported yet: ${what}`);
}
