import { type Certificate, describeSubject, loadCertificateFile } from "./certificate_file.ts";
import { isIssuedBy } from "./chain.ts";
import { isPrivateKey } from "./private_key.ts";
import { readPathCertificate } from "../verify/certificate.ts";
import { weaknessOfKey } from "../verify/signature.ts";
import type { Problems } from "../../config/problem.ts";

/** RFC 5246 section 7.4.4: the list of names in a CertificateRequest has a length of two octets. */
const MOST_NAMES_BYTES = 65535;

/**
 * Loads the certificates of the authorities that sign clients' certificates.
 *
 * @param now milliseconds since the epoch
 * @param problems receives everything found, errors and warnings
 * @returns a PEM bundle of certificates alone, or `null` where there was an error
 */
export async function loadCaBundle(path: string, now: number, problems: Problems): Promise<string | null> {
  const loaded = await loadCertificateFile(path, "CA certificates", problems);
  if (!loaded) return null;
  const { file, certificates } = loaded;
  if (file.blocks.some(isPrivateKey)) {
    problems.error(`Cannot load CA certificates "${path}": it holds a private key too, which is not needed here`);
    return null;
  }
  const bySubject = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const { subject } = certificate.x509;
    bySubject.set(subject, [...bySubject.get(subject) ?? [], certificate]);
  }
  let namesBytes = 0;
  for (const certificate of certificates) {
    const subject = describeSubject(certificate);
    const weakness = describeWeakness(certificate);
    namesBytes += weakness.nameBytes;
    if (weakness.text !== null) {
      problems.warning(`CA certificate "${subject}" in "${path}" vouches for nobody: ${weakness.text}`);
    }
    if (!certificate.x509.ca) {
      problems.warning(`"${subject}" in "${path}" is not marked as a CA: the clients that it signed are refused`);
    }
    if (!(bySubject.get(certificate.x509.issuer) ?? []).some((issuer) => isIssuedBy(certificate, issuer))) {
      // On Deno any certificate of the bundle is trusted; OpenSSL and BoringSSL want a chain up to a root.
      problems.warning(
        `CA certificate "${subject}" in "${path}" lacks its issuer: Bun and Node refuse its clients`,
      );
    }
    if (now > certificate.notAfter) {
      const day = new Date(certificate.notAfter).toISOString().slice(0, 10);
      problems.warning(`CA certificate "${subject}" in "${path}" expired on ${day}: its clients will be refused`);
    } else if (now < certificate.notBefore) {
      const day = new Date(certificate.notBefore).toISOString().slice(0, 10);
      problems.warning(
        `CA certificate "${subject}" in "${path}" is not valid before ${day}: its clients will be refused`,
      );
    }
  }
  if (namesBytes > MOST_NAMES_BYTES) {
    problems.error(
      `Cannot load CA certificates "${path}": the names of its ${certificates.length} authorities take ${namesBytes} ` +
        `bytes, and ${MOST_NAMES_BYTES} fit into a handshake: leave those that sign clients`,
    );
    return null;
  }
  return certificates.map(({ pem }) => pem).join("");
}

/** What keeps clients from being verified by an authority, and what its name takes in a CertificateRequest. */
function describeWeakness({ x509 }: Certificate): { text: string | null; nameBytes: number } {
  try {
    const { publicKey, subjectDer } = readPathCertificate(new Uint8Array(x509.raw));
    return { text: weaknessOfKey(publicKey), nameBytes: 2 + subjectDer.length };
  } catch {
    return { text: "it is malformed, or has a key of an unknown kind", nameBytes: 0 };
  }
}
