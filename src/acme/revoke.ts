import { Buffer } from "node:buffer";
import { openAccount } from "./protocol/account.ts";
import { AcmeClient } from "./protocol/acme_client.ts";
import { HttpsClient } from "./protocol/https_client.ts";
import type { AcmeSettings } from "./settings.ts";
import type { AcmeStorage } from "./storage.ts";
import type { StoredCertificate } from "./stored_certificate.ts";

/**
 * Revokes a certificate that the account has ordered (RFC 8555 section 7.6).
 * @throws {AcmeError} why it is not revoked
 */
export async function revokeCertificate(
  { config, ca, externalAccount }: AcmeSettings,
  storage: AcmeStorage,
  { leaf }: StoredCertificate,
  userAgent: string,
): Promise<void> {
  const key = await storage.accountKey(config.directory, config.eabKid);
  const https = new HttpsClient({ ca, userAgent });
  try {
    const client = await AcmeClient.connect(https, config.directory, key);
    await openAccount(client, { email: config.email, externalAccount });
    const certificate = Buffer.from(leaf.x509.raw).toString("base64url");
    await client.post(client.directory.revokeCert, { certificate }, "revoke the certificate");
  } finally {
    https.close();
  }
}
