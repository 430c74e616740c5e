import type { CertificateConfig, ListenerConfig } from "../config/config.ts";
import type { Address } from "../net/address.ts";
import type { CertificateMaterial, TlsListenOptions } from "./listen_options.ts";
import { loadCaBundle } from "./ca.ts";
import type { Challenge } from "./challenge/challenge.ts";
import type { RuntimeName } from "../runtimes/name.ts";
import type { EngineName } from "./capabilities.ts";
import { type CertificateInfo, loadCertificate } from "./certificates.ts";
import { chooseEngine, type EngineCircumstances } from "./engine.ts";
import { type Problem, problemError, problemWarning } from "./problem.ts";

/** All that a listener's TLS needs, loaded and checked. Plain data: it is posted to the workers. Holds private keys. */
export interface TlsPlan {
  engine: EngineName;
  /** Why that engine, in one line. */
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
}

/** What stands in for a certificate that is ordered. */
export interface OrderedTls {
  /** The stored one; `null`: there is none yet. */
  certificate: CertificateConfig | null;
  challenges: Challenge[];
  /** Why only an engine will do that can answer the validation of names; `null`: any. */
  need: string | null;
}

/**
 * Decides what TLS a listener needs and which engine does it, and loads its certificates.
 *
 * @param ordered of the certificate that `acme` asks for
 * @param now milliseconds since the epoch, for expiry
 * @returns every problem found; no plan where one of them is an error
 */
export async function loadListenerTls(
  configured: ListenerConfig,
  runtime: RuntimeName,
  circumstances: Omit<EngineCircumstances, "validation"> = {},
  ordered: OrderedTls = { certificate: null, challenges: [], need: null },
  now: number = Date.now(),
): Promise<{ plan?: TlsPlan; problems: Problem[] }> {
  const config = ordered.certificate === null
    ? configured
    : { ...configured, certificates: [...configured.certificates, ordered.certificate] };
  const found: Problem[] = [];
  const choice = chooseEngine(config, runtime, { ...circumstances, validation: ordered.need });
  if (choice.engine === null) found.push(...choice.refusals.map((refusal) => problemError("", refusal)));
  const loaded = [];
  // One after the other, so that the problems come in the order of the configuration.
  for (const certificate of config.certificates) loaded.push(await loadCertificate(certificate, now, found));
  const certificates = loaded.filter((certificate) => certificate !== null);
  if (certificates.length === loaded.length) checkNames(certificates.map(({ info }) => info), found);
  const { mode, ca: path } = config.clientAuth;
  let ca: string | null = null;
  if (mode !== "none") {
    if (path === null) found.push(problemError("", `client-auth.mode = "${mode}" needs client-auth.ca`));
    else ca = await loadCaBundle(path, now, found);
  }
  const problems = found.map((problem) => ({ ...problem, message: `listener "${config.name}": ${problem.message}` }));
  if (choice.engine === null || problems.some(({ severity }) => severity === "error")) {
    return { problems };
  }
  const plan: TlsPlan = {
    engine: choice.engine,
    reason: choice.reason,
    notes: choice.notes,
    certificates: certificates.map(({ material }) => material),
    challenges: ordered.challenges,
    certificateInfos: certificates.map(({ info }) => info),
    ca,
  };
  return { plan, problems };
}

/** Where and how one socket of a listener is opened. */
interface SocketOptions {
  address: Address;
  reusePort: boolean;
  /** An inherited listening socket. */
  fd?: number;
}

/** What an engine is asked for one address of a listener. */
export function tlsListenOptions(config: ListenerConfig, plan: TlsPlan, socket: SocketOptions): TlsListenOptions {
  return {
    address: socket.address,
    certificates: plan.certificates,
    challenges: plan.challenges,
    sniStrict: config.sniStrict,
    alpn: config.alpn,
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    clientAuth: { mode: config.clientAuth.mode, ca: plan.ca },
    backlog: config.limits.backlog,
    reusePort: socket.reusePort,
    ...(socket.fd === undefined ? {} : { fd: socket.fd }),
    preamble: config.acceptProxy.length > 0,
  };
}

/** Certificates that can never be chosen. */
function checkNames(infos: CertificateInfo[], problems: Problem[]): void {
  const owners = new Map<string, CertificateInfo>();
  for (const [index, info] of infos.entries()) {
    if (index > 0 && info.names.length === 0) {
      problems.push(
        problemError(info.file, `Certificate "${info.file}" has no DNS name and can never be chosen: set its "names"`),
      );
    }
    const taken = info.names.filter((name) => owners.has(name));
    if (taken.length > 0) {
      const first = owners.get(taken[0])!;
      const which = taken.map((name) => `"${name}"`).join(", ");
      problems.push(
        problemWarning(info.file, `Certificate "${info.file}" never answers for ${which}: "${first.file}" comes first`),
      );
    }
    for (const name of info.names) if (!owners.has(name)) owners.set(name, info);
  }
}
