import type { CertificateConfig, ListenerConfig } from "../config/config.ts";
import type { CertificateMaterial } from "./listen_options.ts";
import type { LoadedRevocationList } from "./verify/revocation_list.ts";
import type { Challenge } from "./challenge/challenge.ts";
import { wildcardOf } from "../net/server_names.ts";
import type { EngineName, RuntimeName } from "../runtimes/name.ts";
import { type CertificateInfo, loadCertificate, type LoadedCertificate } from "./certificates/certificates.ts";
import { chooseEngine, type EngineCircumstances } from "./choose_engine.ts";
import type { Problems } from "../config/problem.ts";

/**
 * Everything that a listener's TLS needs, loaded and checked. It is plain data that is posted, and has private keys.
 */
export interface TlsPlan {
  engine: EngineName;
  /** Why this engine was chosen, in one line. */
  reason: string;
  /** What the engine leaves out, one line each. */
  notes: string[];
  /** In the order of the configuration; the first answers for unknown names. None until the first was ordered. */
  certificates: CertificateMaterial[];
  /** What answers the validation of names by an ACME server; none where none is under way. */
  challenges: Challenge[];
  /** One for each of `certificates`. */
  certificateInfos: CertificateInfo[];
  /** PEM bundle; `null` unless client certificates are asked for. */
  ca: string | null;
  /** Revocation lists of the authorities, and what is said of each. */
  revocationLists: LoadedRevocationList[];
}

/** What ACME adds to the TLS of a listener: a certificate, and answers to challenges. */
export interface AcmeTls {
  /** The certificate in the storage; `null` where there is none yet. */
  certificate: CertificateConfig | null;
  challenges: Challenge[];
  /** Why the engine must be one that can answer challenges; `null` where any will do. */
  need: string | null;
}

/** How many certificates are read at a time. */
const LOADED_AT_ONCE = 16;

/**
 * Decides what TLS a listener needs and which engine does it, and loads its certificates.
 *
 * @param problems receives everything found in the listener, errors and warnings
 * @param acme the certificate that `acme` asks for, and its challenges
 * @param now milliseconds since the epoch, for expiry
 * @returns `null` where there was an error
 */
export async function loadListenerTls(
  configured: ListenerConfig,
  runtime: RuntimeName,
  problems: Problems,
  circumstances: Omit<EngineCircumstances, "validation" | "oldCertificate" | "criticalExtension"> = {},
  acme: AcmeTls = { certificate: null, challenges: [], need: null },
  now: number = Date.now(),
): Promise<TlsPlan | null> {
  const config = acme.certificate === null
    ? configured
    : { ...configured, certificates: [...configured.certificates, acme.certificate] };
  const found = problems.apart().about(`listener "${configured.name}"`);
  const loaded: (LoadedCertificate | null)[] = [];
  const ofCertificates = found.apart();
  for (let at = 0; at < config.certificates.length; at += LOADED_AT_ONCE) {
    const some = config.certificates.slice(at, at + LOADED_AT_ONCE).map(async (certificate) => {
      const own = found.apart();
      return { certificate: await loadCertificate(certificate, now, own), own };
    });
    // The problems come in the order of the configuration, whichever file was read first.
    for (const { certificate, own } of await Promise.all(some)) {
      loaded.push(certificate);
      ofCertificates.add(own.found);
    }
  }
  const certificates = loaded.filter((certificate) => certificate !== null);
  const oldCertificate = certificates.find(({ version }) => version < 3)?.info.file ?? null;
  const criticalExtension = certificates.map(uncommonExtension).find((found) => found !== null) ?? null;
  const choice = chooseEngine(config, runtime, {
    ...circumstances,
    validation: acme.need,
    oldCertificate,
    criticalExtension,
  });
  if (choice.engine === null) choice.refusals.forEach((refusal) => found.error(refusal));
  found.add(ofCertificates.found);
  if (certificates.length === loaded.length) {
    const infos = certificates.map(({ info }) => info);
    checkNames(config.certificates, infos, found);
    checkRouteNames(config, infos, found);
  }
  const { mode, ca: path } = config.clientAuth;
  let ca: string | null = null;
  const revocationLists: LoadedRevocationList[] = [];
  if (mode !== "none") {
    if (path === null) found.error(`client-auth.mode = "${mode}" needs client-auth.ca`);
    else {
      const { loadCaBundle } = await import("./certificates/ca.ts");
      ca = await loadCaBundle(path, now, found.at("client-auth", "ca"));
    }
    for (const [index, file] of ca === null ? [] : config.clientAuth.crl.entries()) {
      const own = found.at("client-auth", "crl", index);
      const { loadRevocationLists } = await import("./verify/revocation_list.ts");
      revocationLists.push(...await loadRevocationLists(file, ca!, now, own));
    }
  }
  problems.add(found.found);
  if (choice.engine === null || found.hasErrors) return null;
  return {
    engine: choice.engine,
    reason: choice.reason,
    notes: choice.notes,
    certificates: certificates.map(({ material }) => material),
    challenges: acme.challenges,
    certificateInfos: certificates.map(({ info }) => info),
    ca,
    revocationLists,
  };
}

/**
 * The extensions of a server's certificate that every engine knows: key usage, alternative names, basic and name
 * constraints, distribution points of revocation lists, extended key usage (RFC 5280 section 4.2.1).
 */
const COMMON_EXTENSIONS = ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.37"];

function uncommonExtension({ info, criticalExtensions }: LoadedCertificate) {
  const id = criticalExtensions.find((id) => !COMMON_EXTENSIONS.includes(id));
  return id === undefined ? null : { file: info.file, id };
}

/** Server names of routes that no certificate is valid for: a client that verifies refuses it. */
function checkRouteNames(
  { routes, acme, sniStrict }: ListenerConfig,
  infos: CertificateInfo[],
  problems: Problems,
): void {
  const names = new Set([...acme, ...infos.flatMap((info) => info.names)]);
  const parents = new Set([...names].map(wildcardOf));
  for (const [route, { serverNames, passthrough }] of routes.entries()) {
    if (passthrough) continue;
    for (const [index, name] of serverNames.entries()) {
      // Some names of a wildcard may have certificates of their own.
      if (names.has(name) || names.has(wildcardOf(name)) || (name.startsWith("*.") && parents.has(name))) continue;
      const message = `route "${routes[route].name}": no certificate is valid for "${name}"`;
      const own = problems.at("route", route, "server-name", index);
      if (sniStrict) own.error(`${message}, and sni-strict refuses it: the route can never match`);
      else own.warning(`${message}: clients will refuse the one that they are shown`);
    }
  }
}

/** Reports certificates that can never be chosen. */
function checkNames(certificates: CertificateConfig[], infos: CertificateInfo[], problems: Problems): void {
  const owners = new Map<string, CertificateInfo>();
  for (const [index, info] of infos.entries()) {
    const own = problems.at(...certificates[index].path, "cert");
    if (index > 0 && info.names.length === 0) {
      own.error(`Certificate "${info.file}" has no DNS name and can never be chosen: set its "names"`);
    }
    // One of another type of key serves the clients that can use it.
    const owned = (name: string) => `${info.keyType} ${name}`;
    const taken = info.names.filter((name) => owners.has(owned(name)));
    if (taken.length > 0) {
      const first = owners.get(owned(taken[0]))!;
      const which = taken.map((name) => `"${name}"`).join(", ");
      own.warning(
        `Certificate "${info.file}" never answers for ${which}: "${first.file}" comes first, and has the same type of key`,
      );
    }
    for (const name of info.names) if (!owners.has(owned(name))) owners.set(owned(name), info);
  }
}
