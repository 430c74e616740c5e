import type { Lab } from "../lab/lab.ts";

/** What encryption alone costs here: the part of the floor that no relay can do without. */
export interface CryptoSpeed {
  /** AES-256-GCM over records of 16 KiB. */
  aesBytesPerSecond: number;
  ecdsaSignUs: number;
  rsaSignUs: number;
  x25519Us: number;
}

/** Reads the machine-readable lines (`-mr`) of `openssl speed`; NaN for what is not in them. */
export function parseOpensslSpeed(output: string): CryptoSpeed {
  const field = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? NaN);
  const micros = (pattern: RegExp) => 1e6 / field(pattern);
  return {
    // The columns are bytes per second, then operations per second.
    aesBytesPerSecond: field(/^\+F:\d+:AES-256-GCM:([\d.]+)/m),
    rsaSignUs: micros(/^\+F2:\d+:2048:([\d.]+):/m),
    ecdsaSignUs: micros(/^\+F4:\d+:256:([\d.]+):/m),
    x25519Us: micros(/^\+F5:\d+:253:([\d.]+):/m),
  };
}

/** Measures on the proxy's CPU, a second each. */
export async function measureCrypto(lab: Lab): Promise<CryptoSpeed> {
  const speed = (...args: string[]) => lab.run("openssl", ["speed", "-mr", "-seconds", "1", ...args], lab.cpus.proxy);
  return parseOpensslSpeed(
    await speed("-bytes", "16384", "-evp", "aes-256-gcm") + await speed("ecdsap256", "rsa2048", "ecdhx25519"),
  );
}
