import type { Config } from "../../config/config.ts";

/** The files that a configuration names: certificates, keys and their passphrases, authorities and revocation lists. */
export function watchedFiles(config: Config): string[] {
  const files = config.listeners.flatMap(({ certificates, clientAuth }) => [
    ...certificates.flatMap((
      { cert, key, keyPassphraseFile: passphrase },
    ) => [cert, key, ...passphrase ? [passphrase] : []]),
    ...(clientAuth.mode !== "none" && clientAuth.ca !== null ? [clientAuth.ca, ...clientAuth.crl] : []),
  ]);
  return [...new Set(files)];
}
