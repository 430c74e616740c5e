import type { AcmeClient } from "./acme_client.ts";
import { createPrivateKey } from "node:crypto";
import { type Certificate, parseCertificate } from "../../tls/certificates/certificate_file.ts";
import { readPem } from "../../tls/certificates/pem.ts";
import type { HttpsAnswer } from "./https_client.ts";
import { AcmeError } from "./problem.ts";
import { isFor } from "../stored_certificate.ts";

/** How many alternate chains are looked at, at most. */
const MAX_ALTERNATES = 10;

interface DownloadOptions {
  /** The names that the certificate has to have. */
  names: string[];
  /** Common name of the issuer of the chain's last certificate that is preferred; "" for the server's first choice. */
  preferredChain: string;
  /** The key that it has to belong to. */
  keyPem: string;
}

/**
 * Downloads a certificate with its chain (RFC 8555 section 7.4.2), and makes sure that it is what was ordered.
 * @throws {AcmeError} where it is not
 */
export async function downloadChain(client: AcmeClient, url: string, options: DownloadOptions): Promise<string> {
  const answer = await client.post(url, null, "download the certificate");
  const first = readChain(answer);
  checkChain(first, options);
  if (options.preferredChain === "" || endsIn(first, options.preferredChain)) return toPem(first);
  for (const alternate of alternates(answer, url).slice(0, MAX_ALTERNATES)) {
    const chain = readChain(await client.post(alternate, null, "download another chain"));
    if (!endsIn(chain, options.preferredChain)) continue;
    checkChain(chain, options);
    return toPem(chain);
  }
  return toPem(first);
}

function readChain({ body }: HttpsAnswer): Certificate[] {
  try {
    const blocks = readPem(new TextDecoder().decode(body)).filter(({ label }) => label === "CERTIFICATE");
    if (blocks.length > 0) return blocks.map(({ der }) => parseCertificate(der));
  } catch (error) {
    throw new AcmeError(`Cannot read the certificate that was issued: ${(error as Error).message}`, { cause: error });
  }
  throw new AcmeError("Cannot read the certificate that was issued: there is no certificate in it");
}

function checkChain([leaf]: Certificate[], { names, keyPem }: DownloadOptions): void {
  if (!leaf.x509.checkPrivateKey(createPrivateKey(keyPem))) {
    throw new AcmeError("The certificate that was issued belongs to another key than the one it was asked for");
  }
  for (const name of names) {
    if (!isFor(leaf, name)) throw new AcmeError(`The certificate that was issued is not for ${name}`);
  }
}

function endsIn(chain: Certificate[], commonName: string): boolean {
  return chain.at(-1)!.x509.issuer.split("\n").includes(`CN=${commonName}`);
}

function toPem(chain: Certificate[]): string {
  return chain.map(({ pem }) => pem).join("");
}

/** URLs with the relation "alternate" (RFC 8288). */
function alternates({ headers }: HttpsAnswer, base: string): string[] {
  const { link } = headers;
  const text = Array.isArray(link) ? link.join(",") : link ?? "";
  return [...text.matchAll(/<([^<>]+)>\s*;[^,<]*\brel="?alternate"?/g)].map(([, url]) => new URL(url, base).href);
}
