import type { AcmeClient } from "./acme_client.ts";
import { parseJson } from "./directory.ts";
import { bindExternalAccount, type ExternalAccount } from "./jws.ts";
import { AcmeError } from "./problem.ts";

interface AccountOptions {
  /** "" for none. */
  email: string;
  /** `null` where the server asks for none. */
  externalAccount: ExternalAccount | null;
}

/**
 * Finds the account of the client's key, or makes one (RFC 8555 section 7.3): the same request does either. From here
 * on the client signs as that account. The caller has agreed to the terms of service.
 * @throws {AcmeError}
 */
export async function openAccount(client: AcmeClient, { email, externalAccount }: AccountOptions): Promise<void> {
  const { newAccount, externalAccountRequired } = client.directory;
  if (externalAccountRequired && externalAccount === null) {
    throw new AcmeError(
      "Cannot open an account: the directory asks for an external account: set eab-kid and eab-key-file",
    );
  }
  const contact = email === "" ? [] : [`mailto:${email}`];
  const answer = await client.post(newAccount, {
    termsOfServiceAgreed: true,
    contact,
    ...(externalAccount === null
      ? {}
      : { externalAccountBinding: await bindExternalAccount(externalAccount, client.key.jwk, newAccount) }),
  }, "open an account");
  const { location } = answer.headers;
  if (location === undefined) throw new AcmeError("Cannot open an account: the answer does not say where it is");
  client.account = location;
  if (answer.status !== 200) return;
  const known = parseJson(answer).contact;
  // Let's Encrypt does not store addresses, and therefore returns none.
  if (contact.length === 0 || !Array.isArray(known) || known.length === 0 || String(known[0]) === contact[0]) return;
  await client.post(location, { contact }, "change the account's address");
}
