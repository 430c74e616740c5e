import { Problems } from "../config/problem.ts";
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { type Certificate, loadCertificateFile } from "../tls/certificates/certificate_file.ts";
import { loadPrivateKey } from "../tls/certificates/private_key.ts";
import { coversName } from "../net/server_names.ts";

/** What a certificate is ordered by: another directory, profile or list of names makes another certificate. */
interface CertificateRequestKey {
  /** DNS names and IP addresses, in the order of the configuration. */
  names: readonly string[];
  /** URL. */
  directory: string;
  /** "" for the server's usual one. */
  profile: string;
}

/** A certificate in the storage. Key and chain are in one file, so that they cannot be of different orders. */
export interface StoredCertificate {
  /** Absolute path of the PEM file. */
  path: string;
  leaf: Certificate;
  pem: string;
}

/** The name of a certificate's files in the storage, such as `example.org-1f0c3a5b`. */
export function certificateId({ names, directory, profile }: CertificateRequestKey): string {
  const key = JSON.stringify([directory, profile, [...names].sort()]);
  return `${fileName(names[0])}-${shortHash(key)}`;
}

/** A name as part of a file name. */
export function fileName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9.-]/g, "_").replace(/^\./, "_").slice(0, 100);
}

export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Reads one stored certificate; `null` where there is none that can be used. */
export async function readStored(path: string): Promise<StoredCertificate | null> {
  const problems = new Problems();
  // A device, or a pipe, has no end.
  if (!await stat(path).then((found) => found.isFile(), () => false)) return null;
  const loaded = await loadCertificateFile(path, "certificate", problems);
  const key = loaded === null ? null : await loadPrivateKey(path, problems);
  if (loaded === null || key === null) return null;
  const { certificates } = loaded;
  if (!certificates[0].x509.checkPrivateKey(key.object)) return null;
  return { path, leaf: certificates[0], pem: certificates.map(({ pem }) => pem).join("") };
}

/**
 * Finds the stored certificate that serves best. This is the one of this very request. Until it has been ordered, it is
 * another certificate that is still valid and has the most of the names.
 * @param storage the folder
 * @param nowMs milliseconds since the epoch
 */
export async function findStored(
  storage: string,
  request: CertificateRequestKey,
  nowMs: number,
): Promise<{ certificate: StoredCertificate; isExact: boolean } | null> {
  const folder = join(storage, "certificates");
  const exact = await readStored(join(folder, `${certificateId(request)}.pem`));
  if (exact !== null) return { certificate: exact, isExact: true };
  const files = await readdir(folder).catch(() => []);
  let best: StoredCertificate | null = null;
  let bestRank = [0, 0];
  for (const file of files.filter((name) => name.endsWith(".pem") && !name.startsWith("."))) {
    const found = await readStored(join(folder, file));
    if (found === null || found.leaf.notAfter <= nowMs) continue;
    const rank = [request.names.filter((name) => isFor(found.leaf, name)).length, found.leaf.notAfter];
    if (rank[0] === 0 || rank[0] < bestRank[0] || (rank[0] === bestRank[0] && rank[1] <= bestRank[1])) continue;
    [best, bestRank] = [found, rank];
  }
  return best === null ? null : { certificate: best, isExact: false };
}

/** Whether a certificate is for a name or address. */
export function isFor(certificate: Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.x509.checkIP(name) !== undefined;
  return coversName(certificate.names.dnsNames, name);
}
