import type { AcmeConfig, ListenerConfig } from "../../config/config.ts";
import type { Challenge } from "../../tls/challenge/challenge.ts";
import type { AcmeTls } from "../../tls/listener_tls.ts";

/** What decides besides its configuration which engine a listener with ACME gets. */
export interface AcmeCircumstances {
  /** The challenges to answer now. */
  challenges: Challenge[];
  /**
   * Whether new connections can be steered from one engine to the other. Where they cannot, the listener stays with an
   * engine that can do everything.
   */
  steers: boolean;
}

/** Returns the stored certificate that a listener has ordered, and the challenges to answer. */
export async function acmeTls(
  { acme: names, certificates }: ListenerConfig,
  { storage, directory, profile }: AcmeConfig,
  { challenges, steers }: AcmeCircumstances,
): Promise<AcmeTls> {
  if (names.length === 0) return { certificate: null, challenges: [], need: null };
  const { findStored } = await import("../../acme/stored_certificate.ts");
  const found = await findStored(storage, { names, directory, profile }, Date.now());
  const path = found?.certificate.path;
  const isFirst = path === undefined && certificates.length === 0;
  return {
    certificate: path === undefined
      ? null
      : { path: ["acme"], cert: path, key: path, keyPassphraseFile: "", names: [] },
    challenges,
    need: challenges.length > 0
      ? "a name is being validated"
      : isFirst
      ? "there is no certificate yet"
      : steers
      ? null
      : "nothing steers connections from one engine to the other here",
  };
}
