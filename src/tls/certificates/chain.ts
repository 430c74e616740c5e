import { type Certificate, describeSubject } from "./certificate_file.ts";

/** How the certificates of a file are related. */
interface ChainOrder {
  /** The leaf, its issuer, the issuer's issuer, and so on. */
  chain: Certificate[];
  /** The certificates that are not part of the chain. */
  unrelated: Certificate[];
  /** Whether the chain is in the file in its order. */
  inOrder: boolean;
}

/** Finds the chain that begins with `leaf` among `certificates`, of which it is one. */
export function orderChain(leaf: Certificate, certificates: readonly Certificate[]): ChainOrder {
  if (certificates.length === 1) return { chain: [leaf], unrelated: [], inOrder: true };
  const chain = [leaf];
  const rest = new Set(certificates);
  rest.delete(leaf);
  for (let current = leaf; !isIssuedBy(current, current);) {
    const issuer = [...rest].find((candidate) => isIssuedBy(current, candidate));
    if (!issuer) break;
    rest.delete(issuer);
    chain.push(issuer);
    current = issuer;
  }
  const positions = chain.map((certificate) => certificates.indexOf(certificate));
  const inOrder = positions.every((position, index) => index === 0 || position > positions[index - 1]);
  return { chain, unrelated: [...rest], inOrder };
}

/** Names the certificates of a chain in their order, for messages. */
export function describeChain(chain: readonly Certificate[]): string {
  return chain.map((certificate) => `"${describeSubject(certificate)}"`).join(", then ");
}

/** Whether `issuer` signed `certificate`; both may be the same one. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return certificate.x509.checkIssued(issuer.x509) && certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    // This runtime cannot use a key of this kind, so only the names are compared.
    return certificate.x509.checkIssued(issuer.x509);
  }
}
