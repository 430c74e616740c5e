import { Buffer } from "node:buffer";
import type { AcmeConfig } from "../config/config.ts";
import { readConfigFile, ReadError } from "../files/read_file.ts";
import { loadCertificateFile } from "../tls/certificates/certificate_file.ts";
import type { ExternalAccount } from "./protocol/jws.ts";
import type { Problems } from "../config/problem.ts";

/** The settings that certificates are ordered by, with every file loaded. They hold the key of the external account. */
export interface AcmeSettings {
  config: AcmeConfig;
  /** PEM; "" for the public authorities. */
  ca: string;
  externalAccount: ExternalAccount | null;
}

/** Loads the files that `[acme]` names, or returns `null` and adds what is wrong to the problems. */
export async function loadAcmeSettings(config: AcmeConfig, problems: Problems): Promise<AcmeSettings | null> {
  const before = problems.found.length;
  const ca = config.ca === "" ? null : await loadCertificateFile(config.ca, "CA certificates", problems.at("ca"));
  const externalAccount = config.eabKid === "" ? null : await loadExternalAccount(config, problems.at("eab-key-file"));
  if (problems.found.length > before) return null;
  return { config, ca: ca === null ? "" : ca.certificates.map(({ pem }) => pem).join(""), externalAccount };
}

async function loadExternalAccount(config: AcmeConfig, problems: Problems): Promise<ExternalAccount | null> {
  const refuse = (detail: string) => {
    problems.error(`eab-key-file "${config.eabKeyFile}": ${detail}`);
    return null;
  };
  let text;
  try {
    text = (await readConfigFile(config.eabKeyFile, "the external account's key")).trim();
  } catch (error) {
    if (error instanceof ReadError) return refuse(error.message);
    throw error;
  }
  // Authorities hand the key out in either alphabet of base64 (RFC 4648).
  if (!/^[\w+/-]{16,2000}={0,2}$/.test(text)) {
    return refuse("it is not one line of base64url, as the authority gives it out");
  }
  return { kid: config.eabKid, hmacKey: Uint8Array.from(Buffer.from(text, "base64url")) };
}
