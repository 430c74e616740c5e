import type { Config } from "../config/config.ts";

/** The files that a configuration names: certificates, keys and authorities. */
export function watchedFiles(config: Config): string[] {
  const files = config.listeners.flatMap(({ certificates, clientAuth }) => [
    ...certificates.flatMap(({ cert, key }) => [cert, key]),
    ...(clientAuth.mode !== "none" && clientAuth.ca !== null ? [clientAuth.ca] : []),
  ]);
  return [...new Set(files)];
}
