import { describeSubject, loadCertificateFile } from "./certificate_file.ts";
import { isIssuedBy } from "./chain.ts";
import { isPrivateKey } from "./private_key.ts";
import { type Problem, problemError, problemWarning } from "./problem.ts";

/**
 * Loads the certificates that vouch for clients.
 *
 * @param now milliseconds since the epoch
 * @param problems receives everything found, errors and warnings
 * @returns a PEM bundle of certificates alone, or `null` where there was an error
 */
export async function loadCaBundle(path: string, now: number, problems: Problem[]): Promise<string | null> {
  const loaded = await loadCertificateFile(path, "CA certificates", problems);
  if (!loaded) return null;
  const { file, certificates } = loaded;
  if (file.blocks.some(isPrivateKey)) {
    problems.push(
      problemError(path, `Cannot load CA certificates "${path}": it holds a private key too, which is not needed here`),
    );
    return null;
  }
  for (const certificate of certificates) {
    const subject = describeSubject(certificate);
    if (!certificate.x509.ca) {
      problems.push(
        problemWarning(path, `"${subject}" in "${path}" is not marked as a CA: engines may refuse what it signed`),
      );
    }
    if (!certificates.some((issuer) => isIssuedBy(certificate, issuer))) {
      // webpki, under Deno, trusts any certificate of the bundle; the OpenSSL kind wants a chain up to a root.
      problems.push(
        problemWarning(
          path,
          `CA certificate "${subject}" in "${path}" lacks its issuer: Bun and Node refuse its clients`,
        ),
      );
    }
    if (now > certificate.notAfter) {
      const day = new Date(certificate.notAfter).toISOString().slice(0, 10);
      problems.push(
        problemWarning(path, `CA certificate "${subject}" in "${path}" expired on ${day}: its clients will be refused`),
      );
    } else if (now < certificate.notBefore) {
      const day = new Date(certificate.notBefore).toISOString().slice(0, 10);
      problems.push(
        problemWarning(
          path,
          `CA certificate "${subject}" in "${path}" is not valid before ${day}: its clients will be refused`,
        ),
      );
    }
  }
  return certificates.map(({ pem }) => pem).join("");
}
