import { openAccount } from "./account.ts";
import { AcmeClient } from "./acme_client.ts";
import type { Present } from "./make_challenge.ts";
import type { Clock } from "../clock.ts";
import { HttpsClient } from "./https_client.ts";
import { orderCertificate } from "./order.ts";
import type { AcmeSettings } from "../settings.ts";
import type { AcmeStorage } from "../storage.ts";

interface IssueOptions {
  settings: AcmeSettings;
  storage: AcmeStorage;
  userAgent: string;
  /** The certificate's name in the storage. */
  id: string;
  names: string[];
  /** The identifier of the certificate that it replaces (RFC 9773 section 4.1); `null` for none. */
  replaces: string | null;
  present: Present;
  clock: Clock;
  signal: AbortSignal;
  progress: (message: string) => void;
}

/**
 * Orders a certificate, from the account to the stored file. The caller has the lock.
 * @throws {AcmeError} why there is none
 * @throws {Error} of the file system
 */
export async function issueCertificate(options: IssueOptions): Promise<void> {
  const { settings: { config, ca, externalAccount }, storage, userAgent, signal } = options;
  const key = await storage.accountKey(config.directory, config.eabKid);
  const https = new HttpsClient({ ca, userAgent, signal });
  try {
    const client = await AcmeClient.connect(https, config.directory, key);
    await openAccount(client, { email: config.email, externalAccount });
    const issued = await orderCertificate(client, {
      ...options,
      profile: config.profile,
      preferredChain: config.preferredChain,
    });
    await storage.saveCertificate(options.id, issued);
  } finally {
    https.close();
  }
}
