import { basename } from "node:path";
import type { CertificateConfig } from "../../config/config.ts";
import type { CertificateMaterial } from "../listen_options.ts";
import {
  type Certificate,
  describeIssuer,
  describeSubject,
  loadCertificateFile,
  printable,
} from "./certificate_file.ts";
import { type KeyType, needsOf } from "./certificate_needs.ts";
import { describeChain, isIssuedBy, orderChain } from "./chain.ts";
import { coversName, normalizeServerName } from "../../net/server_names.ts";
import { guessIssuer } from "./missing_issuer.ts";
import { isPrivateKey, loadPrivateKey, type PrivateKey } from "./private_key.ts";
import { Problems } from "../../config/problem.ts";
import { readPemFile } from "./pem_file.ts";

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";

/**
 * Most that all clients take, measured: rustls takes a leaf and 6 others, Java 17 9 others, GnuTLS 3.7 12, OpenSSL
 * more.
 */
const MAX_SHOWN = 7;

/** What the summary, the metrics and the page show of a certificate. It has nothing secret. */
export interface CertificateInfo {
  /** Its first server name, else its common name, else its file's name: the label of the expiry metric. */
  name: string;
  /** Absolute path of the PEM file. */
  file: string;
  /** The server names that it is chosen for. */
  names: string[];
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** The key for people: `ECDSA P-256`, `RSA 2048`, `Ed25519`. */
  key: string;
  keyType: KeyType;
}

export interface LoadedCertificate {
  material: CertificateMaterial;
  info: CertificateInfo;
  /** Of X.509, from 1. */
  version: number;
  /** Object identifiers of the leaf's. */
  criticalExtensions: string[];
}

/**
 * Loads and checks a certificate, its chain and its key.
 *
 * What would make every handshake fail is an error. What only some clients refuse is a warning, and so is expiry: a
 * proxy that does not start or reload because a certificate has expired would only make matters worse.
 *
 * @param now milliseconds since the epoch
 * @param problems receives everything found, errors and warnings
 * @returns `null` where there was an error
 */
export async function loadCertificate(
  config: CertificateConfig,
  now: number,
  problems: Problems,
): Promise<LoadedCertificate | null> {
  const before = problems.found.length;
  const about = {
    cert: problems.at(...config.path, "cert"),
    key: problems.at(...config.path, "key"),
    names: problems.at(...config.path, "names"),
  };
  const found = { cert: about.cert.apart(), key: about.key.apart() };
  const loaded = await loadCertificateFile(config.cert, "certificate", found.cert);
  const key = await loadPrivateKey(config.key, found.key, {
    path: config.keyPassphraseFile,
    problems: problems.at(...config.path, "key-passphrase-file"),
  });
  if (!loaded && !key && await areSwapped(config)) {
    about.cert.error(`cert names the private key "${config.cert}", and key the certificate "${config.key}": swap them`);
    return null;
  }
  about.cert.add(found.cert.found);
  about.key.add(found.key.found);
  if (!loaded || !key) return null;
  const { file, certificates } = loaded;
  if (file.path !== config.key && file.mode & 0o006 && file.blocks.some(isPrivateKey)) {
    about.cert.warning(`Certificate "${file.path}" holds a private key too, and every user can read it`);
  }
  const chain = checkChain(config, certificates, key, about);
  if (!chain) return null;
  const [leaf] = chain;
  for (const certificate of chain) checkValidity(config.cert, certificate, now, about.cert);
  checkUse(config.cert, leaf, about.cert);
  checkLength(config.cert, certificates.length, about.cert);
  // A certificate that signs itself is believed by its name or key, not by its signature.
  const signed = chain.filter((certificate) => !isIssuedBy(certificate, certificate));
  if (signed.includes(chain[chain.length - 1])) checkIssuer(config.cert, chain, about.cert);
  const names = resolveNames(config, leaf, about.names);
  if (problems.found.slice(before).some(({ severity }) => severity === "error")) return null;
  const info: CertificateInfo = {
    name: names[0] ?? (leaf.names.commonName === "" ? basename(config.cert) : printable(leaf.names.commonName)),
    file: config.cert,
    names,
    notAfter: leaf.notAfter,
    key: key.kind,
    keyType: key.kind.split(" ")[0] as KeyType,
  };
  const needs = needsOf(key.object, signed.map(({ x509 }) => new Uint8Array(x509.raw)));
  const material = { cert: certificates.map(({ pem }) => pem).join(""), key: key.pem, names, needs };
  return { material, info, version: leaf.version, criticalExtensions: leaf.names.criticalExtensions };
}

/** Whether each of the two files holds what the other one should. */
async function areSwapped({ cert, key }: CertificateConfig): Promise<boolean> {
  const unsaid = new Problems();
  const [first, second] = [await readPemFile(cert, "", unsaid), await readPemFile(key, "", unsaid)];
  return first !== null && second !== null && first.blocks.some(isPrivateKey) && !second.blocks.some(isPrivateKey) &&
    second.blocks.some(({ label }) => label === "CERTIFICATE");
}

/** Returns the chain, leaf first; `null` where key and certificates do not fit together. */
function checkChain(
  config: CertificateConfig,
  certificates: Certificate[],
  key: PrivateKey,
  about: { cert: Problems; key: Problems },
): Certificate[] | null {
  const position = certificates.findIndex(({ x509 }) => belongsTogether(x509, key));
  if (position < 0) {
    const subject = describeSubject(certificates[0]);
    const detail = certificates.length === 1
      ? `belongs to another certificate than "${config.cert}" ("${subject}")`
      : `belongs to none of the ${certificates.length} certificates in "${config.cert}" (the first is "${subject}")`;
    about.key.error(`Private key "${config.key}" ${detail}`);
    return null;
  }
  const leaf = certificates[position];
  const { chain, unrelated, inOrder } = orderChain(leaf, certificates);
  if (position > 0 || !inOrder) {
    about.cert.error(
      `Certificates in "${config.cert}" are in the wrong order: must be ${describeChain(chain)}`,
    );
    return null;
  }
  for (const certificate of unrelated) {
    const number = certificates.indexOf(certificate) + 1;
    const twin = certificates.findIndex(({ pem }) => pem === certificate.pem) + 1;
    const detail = twin < number
      ? `is the same as number ${twin}`
      : `("${describeSubject(certificate)}") is not part of the chain of "${describeSubject(leaf)}"`;
    about.cert.warning(`Certificate number ${number} in "${config.cert}" ${detail}`);
  }
  return chain;
}

function belongsTogether(x509: Certificate["x509"], key: PrivateKey): boolean {
  try {
    return x509.checkPrivateKey(key.object);
  } catch {
    // A certificate of a kind this runtime cannot use, so not that of a supported key.
    return false;
  }
}

function checkValidity(file: string, certificate: Certificate, now: number, problems: Problems): void {
  const { notBefore, notAfter } = certificate;
  const subject = describeSubject(certificate);
  if (now > notAfter) {
    problems.warning(
      `Certificate "${file}" ("${subject}") expired on ${date(notAfter)}, ${
        days(now - notAfter)
      } ago: clients will refuse it`,
    );
  } else if (now < notBefore) {
    problems.warning(
      `Certificate "${file}" ("${subject}") is not valid before ${date(notBefore)}: clients will refuse it until then`,
    );
  }
}

function checkUse(file: string, leaf: Certificate, problems: Problems): void {
  const uses = leaf.names.extendedKeyUsage;
  if (!uses || uses.includes(SERVER_AUTH) || uses.includes(ANY_EXTENDED_KEY_USAGE)) return;
  problems.warning(
    `Certificate "${file}" ("${describeSubject(leaf)}") is not for servers: its extended key usage lacks serverAuth`,
  );
}

function checkLength(file: string, count: number, problems: Problems): void {
  if (count <= MAX_SHOWN) return;
  problems.warning(
    `Certificate "${file}" shows ${count} certificates: many clients take at most ${MAX_SHOWN}, the leaf among them`,
  );
}

/**
 * Warns where a certificate between the chain and the authorities that clients know is missing.
 * @param chain its last certificate does not sign itself
 */
function checkIssuer(file: string, chain: readonly Certificate[], problems: Problems): void {
  const last = chain[chain.length - 1];
  if (guessIssuer(new Uint8Array(last.x509.raw), chain.length === 1) !== "intermediate") return;
  problems.warning(
    `Certificate "${file}" lacks the certificate of "${describeIssuer(last)}", which has signed ` +
      `"${describeSubject(last)}" and seems to be an intermediate: add it at the end, or clients will refuse the chain`,
  );
}

/** Returns the configured names, each of which the certificate must have; without any, the certificate's own. */
function resolveNames(config: CertificateConfig, leaf: Certificate, problems: Problems): string[] {
  // Clients ignore the common name. Where a certificate has no other name, it still tells what it was made for.
  const listed = leaf.names.dnsNames.length > 0 ? leaf.names.dnsNames : [leaf.names.commonName];
  const own = [...new Set(listed.map(normalizeServerName))].filter((name) => name !== "");
  if (config.names.length === 0) return own;
  const names: string[] = [];
  for (const configured of config.names) {
    const name = normalizeServerName(configured);
    if (name === "") {
      problems.error(`Invalid name ${JSON.stringify(configured)}: must be a DNS name`);
    } else if (!coversName(own, name)) {
      const has = own.length === 0 ? "it has no DNS name" : `it has ${own.map((each) => `"${each}"`).join(", ")}`;
      problems.error(
        `Name ${JSON.stringify(configured)} is not in the certificate "${config.cert}": ${has}`,
      );
    } else if (!names.includes(name)) names.push(name);
  }
  return names;
}

function date(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function days(durationMs: number): string {
  const count = Math.floor(durationMs / 86_400_000);
  return count === 0 ? "less than a day" : count === 1 ? "1 day" : `${count} days`;
}
