import assert from "node:assert/strict";
import { loadCertificate, type LoadedCertificate } from "../../../src/tls/certificates/certificates.ts";
import { type Problem, Problems } from "../../../src/config/problem.ts";
import { makeCertificate } from "../make_certificates.ts";
import { makeTemporaryDirectory } from "../temporary_directory.ts";

/** The passphrase of encrypted keys, which no message may hold. */
export const PASSPHRASE = "correct hörse";

/** Loads, and checks that no message holds a piece of a key. */
export async function load(
  cert: string,
  key: string,
  names: string[] = [],
  keyPassphraseFile = "",
): Promise<{ loaded: LoadedCertificate | null; errors: string[]; warnings: string[]; problems: readonly Problem[] }> {
  const collected = new Problems();
  const config = { path: ["certificates", 1], cert, key, keyPassphraseFile, names };
  const loaded = await loadCertificate(config, Date.now(), collected);
  const problems = collected.found;
  for (const { message } of problems) {
    assert.doesNotMatch(message, /[\r\n]/);
    assert.doesNotMatch(message, /MII|[A-Za-z0-9+/]{60}/);
    assert.doesNotMatch(message, new RegExp(PASSPHRASE));
  }
  const of = (wanted: string) => problems.filter(({ severity }) => severity === wanted).map(({ message }) => message);
  return { loaded, errors: of("error"), warnings: of("warning"), problems };
}

/** Makes a certificate and its key, and the files of both. */
export async function pair(options: Parameters<typeof makeCertificate>[0] = {}) {
  const directory = await makeTemporaryDirectory();
  const made = await makeCertificate({ dnsNames: ["localhost"], ...options });
  const cert = await directory.write("cert.crt", made.cert, 0o644);
  const key = await directory.write("key.key", made.key);
  return { directory, made, cert, key, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}
